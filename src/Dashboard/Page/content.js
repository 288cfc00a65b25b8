// The catalogue of one registry: repositories, tags, and what each tag stands for.
import { h, icon } from './dom.js';
import { bytes, group, plural } from './format.js';
import { nameOf } from './fleet-model.js';
import { code, copyButton, digest, empty, problem } from './parts.js';
import { rowTable, rowView } from './rows.js';

export const contentRows = rowView('content', 34);

const kinds = { Image: 'image', Index: 'multi-platform image', Chart: 'Helm chart', Artifact: 'artifact', Signature: 'signature',
  Attestation: 'attestation', Sbom: 'SBOM' };

/** content is null while the list of repositories is read. */
export function contentView(cluster, content) {
  if (!content?.repositories) return content?.problem ? problem('bad', content.problem) : h('p', { class: 'loading' }, 'Opening the tunnel to the registry…');
  if (content.repositories.length === 0) return empty('The registry is empty.', 'Push something: ', h('code', null, `capi-registry-hook push SOURCE --cluster ${nameOf(cluster)}`));
  const search = content.search.toLowerCase();
  const shown = content.repositories.filter(repository => repository.toLowerCase().includes(search));
  return h('div', { class: 'catalogue' },
    h('aside', { class: 'repositories', 'aria-label': 'Repositories' },
      h('label', { class: 'search' }, icon('search'), h('span', { class: 'unseen' }, 'Search repositories'),
        h('input', { type: 'search', placeholder: plural(content.repositories.length, 'repository', 'repositories') + (content.hasMore ? ' and more' : ''),
          value: content.search, autocomplete: 'off', spellcheck: 'false', 'data-content-filter': 'search' })),
      h('ul', null, shown.slice(0, 500).map(repository => h('li', { 'data-key': repository }, h('button', { type: 'button', 'data-act': 'repository', 'data-repository': repository,
        'aria-current': repository === content.repository ? 'true' : null, title: repository }, icon('box'), h('span', null, repository))))),
      shown.length > 500 ? h('p', { class: 'dim' }, `${group(shown.length - 500)} more: search for them.`) : shown.length === 0 ? h('p', { class: 'dim' }, 'None matches.') : null),
    h('div', { class: 'tags' }, tagList(content)));
}

function tagList(content) {
  if (!content.repository) return empty('Choose a repository.', 'Its tags, platforms, sizes and digests are read when you do.');
  if (content.problem) return problem('bad', content.problem);
  if (!content.tags) return h('p', { class: 'loading' }, 'Reading tags…');
  if (content.tags.length === 0) return empty('No tags.', 'All content of this repository has been removed.');
  return [h('p', { class: 'shown' }, h('strong', null, code(content.repository)), ` ${plural(content.tags.length, 'tag')}${content.hasMoreTags ? ', and more' : ''}`),
    rowTable(contentRows, { label: `Tags of ${content.repository}`, rows: content.tags, keyOf: tag => tag, columns: tagColumns(content) })];
}

const tagColumns = content => {
  const known = tag => content.known.get(tag);
  return [
    { id: 'tag', head: 'Tag', kind: 'tag-name', cell: tag => [h('span', { title: tag }, tag), copyButton(`${content.repository}:${tag}`, 'name')] },
    { id: 'kind', head: 'Kind', kind: 'what', cell: tag => known(tag) ? kinds[known(tag).kind] ?? known(tag).problem ?? '–' : '…' },
    { id: 'platforms', head: 'Platforms', kind: 'text', cell: tag => known(tag)?.platforms?.length ? h('span', { title: known(tag).platforms.join(', ') }, known(tag).platforms.join(', ')) : '' },
    { id: 'size', head: 'Size', kind: 'number', cell: tag => known(tag)?.size !== undefined && known(tag)?.size !== null ? bytes(known(tag).size) : '' },
    { id: 'digest', head: 'Digest', kind: 'digest', cell: tag => known(tag)?.digest ? digest(known(tag).digest, 'digest') : '' },
  ];
};
