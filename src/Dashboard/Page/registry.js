// One registry in depth.
import { h, icon } from './dom.js';
import { away, bytes, date, minute, plural, shortDigest } from './format.js';
import { linkOf, nameOf } from './fleet-model.js';
import { card, code, copyButton, digest, empty, ends, facts, lifeBar, mark, phaseChip, problem, table } from './parts.js';
import { contentView } from './content.js';

const tabs = [['', 'Overview'], ['/upgrade', 'Next upgrade'], ['/content', 'Content']];

/** detail is null while it is read; its fields are null where they could not be read, and then say why. */
export function registryView(cluster, detail, content, tab, isLive, now) {
  return [
    h('nav', { class: 'path', 'aria-label': 'Path' }, h('a', { href: '#/' }, icon('back'), 'Fleet')),
    h('div', { class: 'title' }, h('h1', null, h('span', { class: 'dim' }, `${cluster.namespace}/`), cluster.name), phaseChip(cluster.phase)),
    cluster.problem ? problem(cluster.phase === 'Waiting' ? 'warn' : 'bad', cluster.problem) : null,
    h('nav', { class: 'tabs', 'aria-label': `Views of ${nameOf(cluster)}` }, tabs.filter(([path]) => isLive || path !== '/content').map(([path, text]) =>
      h('a', { href: linkOf(cluster, path), 'aria-current': path === tab ? 'page' : null }, text))),
    tab === '/content' ? contentView(cluster, content) : detail ? (tab === '/upgrade' ? upgradeTab(detail) : overviewTab(cluster, detail, now))
      : h('p', { class: 'loading' }, isLive ? 'Reading the registry…' : 'The file holds no more about this registry.'),
  ];
}

/* --- overview --------------------------------------------------------------------------------------------------------------- */

const overviewTab = (cluster, detail, now) => [
  detail.problem ? problem('warn', detail.problem) : null,
  h('div', { class: 'cards' },
    h('div', { class: 'stack' }, addressCard(detail), replicaCard(detail, now), volumeCard(detail)),
    h('div', { class: 'stack' }, lifeCard(detail, now), trustCard(detail, now), releaseCard(detail, now))),
  eventCard(detail, now),
];

const addressCard = detail => card('Addresses', null, detail.addresses.length === 0 ? empty('None.', 'The Cluster requests no registry.') : [
  facts(...detail.addresses.map(address => [address.use, ...address.addresses.map(text =>
    h('div', { class: 'with-copy' }, code(text), copyButton(text, 'address')))])),
  h('details', null, h('summary', null, plural(detail.names.length, 'name'), ' in the certificate'),
    h('ul', { class: 'names' }, detail.names.map(name => h('li', null, code(name)))))]);

function lifeCard(detail, now) {
  const certificate = detail.certificate;
  if (!certificate) return card('Certificate', null, empty('None yet.', 'It is issued once the workload cluster can be reached.'));
  return card('Certificate', null, h('div', { class: 'life-line' }, lifeBar(certificate, now)),
    facts(['Until', ends(certificate.notAfter, now)],
      ['Renewed', ends(certificate.renewal, now)],
      ['Serial number', digest(certificate.serial, 'serial number')],
      ['Issuer', [code(certificate.issuer.slice(0, 8)), detail.rootGeneration ? h('span', { class: 'dim' }, ` generation ${detail.rootGeneration}`) : '']],
      ['Served', certificate.served ? mark('good', 'check', 'by all pods, when last seen') : mark('warn', 'clock', 'not by all pods yet')]));
}

const answers = {
  Current: ['good', 'check', 'the current certificate'], Other: ['warn', 'clock', 'another certificate than the current one'],
  Untrusted: ['bad', 'cross', 'a certificate that nodes refuse'], Unreachable: ['bad', 'alert', 'nothing: it can’t be reached'],
};

function replicaCard(detail, now) {
  const title = 'Replicas as they serve now';
  if (!detail.replicas) return card(title, null, empty('Not read.', detail.replicaProblem ?? 'The workload cluster was not asked.'));
  return card(title, `asked at ${detail.readAt.slice(11, 19)} UTC`, detail.replicas.length === 0 ? empty('No pods.', 'The StatefulSet has none yet.')
    : detail.replicas.map(replica => {
      const [tone, shape, text] = answers[replica.answer];
      return h('article', { class: 'replica', 'data-key': replica.pod, 'aria-label': replica.pod },
        h('h3', null, code(replica.pod), replica.isPrimary ? h('span', { class: 'tag' }, 'takes pushes') : null),
        facts(['Pod', replica.ready ? mark('good', 'check', 'ready') : mark('warn', 'clock', replica.state ? `${replica.state}, not ready` : 'not ready')],
          ['Serves', mark(tone, shape, text)],
          replica.node ? ['Node', code(replica.node)] : null,
          replica.release ? ['Release', replica.release] : null),
        replica.chain.length > 0 ? h('ol', { class: 'chain', 'aria-label': `Certificate chain of ${replica.pod}` }, replica.chain.map((link, index) => h('li', null,
          h('span', { class: 'tag' }, index === 0 ? 'server' : link.isRoot ? 'root' : 'cross-certificate'), h('span', { class: 'subject' }, link.subject),
          h('span', { class: 'dim' }, `by ${link.issuer}, until ${date(link.notAfter)} (${away(link.notAfter, now)})`),
          link.serial ? h('code', { title: `Serial number ${link.serial}` }, shortDigest(link.serial)) : null))) : null);
    }));
}

const trustCard = (detail, now) => card('Trusted by its nodes', null, detail.trust.length === 0
  ? empty('Nothing yet.', 'The Secret with the CA certificates is not there, or can’t be read.')
  : table('Roots that the nodes trust', ['Root', { text: 'Generation', kind: 'number' }, 'Until', 'In the bundle since'], detail.trust.map(root => h('tr', { 'data-key': root.id },
    h('th', { scope: 'row' }, h('code', { title: root.id }, root.id.slice(0, 8))), h('td', { class: 'number' }, root.generation ?? '–'),
    h('td', null, ends(root.notAfter, now)), h('td', null, minute(root.since))))));

const releaseCard = (detail, now) => card('Release', null, detail.release ? [
  facts(['Chart', code(`${detail.release.chart} ${detail.release.version}`)],
    ['Revision', detail.release.revision ? code(detail.release.revision) : '–'],
    ['Written', detail.release.since ? [minute(detail.release.since), ' ', h('span', { class: 'dim' }, away(detail.release.since, now))] : '–'],
    ['On all pods', detail.release.served ? mark('good', 'check', 'yes, when last seen') : mark('warn', 'clock', 'not seen yet')]),
  detail.release.conditions.length > 0 ? h('ul', { class: 'conditions' }, detail.release.conditions.map(condition => h('li', { 'data-key': condition.type },
    mark(condition.status === 'True' ? 'good' : condition.status === 'False' ? 'bad' : 'warn',
      condition.status === 'True' ? 'check' : condition.status === 'False' ? 'cross' : 'clock', condition.type),
    condition.message || condition.reason ? h('span', { class: 'dim' }, [condition.reason, condition.message].filter(Boolean).join(': ')) : null))) : null,
] : empty('Not installed.', 'There is no HelmChartProxy.'));

const volumeCard = detail => card('Volumes', null, !detail.volumes ? empty('Not read.', detail.volumeProblem ?? 'The workload cluster was not asked.')
  : detail.volumes.length === 0 ? empty('None.', 'The registry has no volume claims.')
    : table('Volumes', ['Claim', 'Phase', { text: 'Size', kind: 'number' }, 'Class'], detail.volumes.map(volume => h('tr', { 'data-key': volume.claim },
      h('th', { scope: 'row' }, code(volume.claim)), h('td', null, volume.phase === 'Bound' ? mark('good', 'check', 'Bound') : mark('warn', 'clock', volume.phase ?? '–')),
      h('td', { class: 'number' }, volume.capacity ?? '–', volume.used !== null && volume.used !== undefined ? h('span', { class: 'dim' }, ` ${bytes(volume.used)} used`) : null),
      h('td', null, volume.storageClass ?? '–')))));

const eventCard = (detail, now) => h('section', { class: 'card wide', 'data-key': 'events', 'aria-label': 'Events' }, h('h2', null, 'Events', h('span', { class: 'note' }, 'Kubernetes keeps them for an hour')),
  !detail.events ? empty('Not read.', 'Your rights may not cover Events.') : detail.events.length === 0 ? empty('None in the last hour.')
    : table('Events', [{ text: 'Time', kind: 'date' }, 'Type', 'Reason', 'What happened'], detail.events.map(event => h('tr', { 'data-key': event.id },
      h('td', { class: 'date' }, minute(event.time), ' ', h('span', { class: 'dim' }, event.time ? away(event.time, now) : '')),
      h('td', null, event.type === 'Warning' ? mark('warn', 'alert', 'Warning') : mark('calm', 'off', event.type ?? '–')),
      h('td', null, event.reason ?? '–'), h('td', { class: 'text' }, event.note ?? '–')))));

/* --- the next upgrade --------------------------------------------------------------------------------------------------------- */

function upgradeTab(detail) {
  const upgrade = detail.upgrade;
  if (!upgrade) return card('Next upgrade of the cluster', null, empty('Not known.', 'The registry is not installed.'));
  return [
    h('p', { class: 'lead' }, 'What changes when the cluster is upgraded to another Kubernetes version.'),
    upgrade.notes.map(note => problem('calm', note)),
    card('Chart, certificate and values', null, upgrade.changes.length === 0 ? empty('Nothing but the certificate.', 'The registry has what is written for it now.')
      : table('Changes with the next upgrade', ['What', 'Now', 'Then'], upgrade.changes.map(change => h('tr', { 'data-key': change.what },
        h('th', { scope: 'row', class: 'mono' }, change.what), h('td', { class: 'mono before' }, change.from ?? h('span', { class: 'dim' }, 'not set')),
        h('td', { class: 'mono after' }, change.to ?? h('span', { class: 'dim' }, 'not set')))))),
  ];
}
