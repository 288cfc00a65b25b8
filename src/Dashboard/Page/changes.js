// What goes on in the whole fleet: a rotation of the root, and a rollout of the admin's values or a new chart.
import { h } from './dom.js';
import { away, date, group, minute, plural } from './format.js';
import { linkOf, nameOf } from './fleet-model.js';
import { card, code, empty, facts, mark, problem, table } from './parts.js';

export const changesView = (fleet, now) => [
  h('h1', null, 'Rotation and rollout'),
  rotationCard(fleet, now),
  rolloutCard(fleet, now),
];

/* --- the rotation of the root ------------------------------------------------------------------------------------------- */

const steps = [
  ['Prepare', 'The next root is added to the trust of every cluster.'],
  ['Switch', 'Each registry gets a certificate from it, served with a cross-certificate.'],
  ['Drain', 'The former root stays trusted until the nodes that know only it are gone.'],
];

function rotationCard(fleet, now) {
  const rotation = fleet.rotation;
  const signing = fleet.roots.find(root => root.role === 'Signing');
  if (!rotation)
    return card('Rotation of the root', null, empty('No rotation is in progress.', signing?.rotation
      ? `Generation ${signing.generation} signs; it rotates ${away(signing.rotation, now)}, on ${date(signing.rotation)}, or with `
      : 'It begins at half of the root’s lifetime, or with ', h('code', null, 'capi-registry-hook rotate-root'), '.'));
  const place = steps.findIndex(([name]) => name === rotation.phase);
  return card('Rotation of the root', `generation ${rotation.from} → ${rotation.to}`,
    h('ol', { class: 'steps' }, steps.map(([name, text], index) => h('li', { class: index < place ? 'past' : index === place ? 'here' : 'to-come',
      'aria-current': index === place ? 'step' : null }, h('strong', null, name), h('span', null, text)))),
    progress(rotation.done, rotation.total, rotation.phase === 'Drain' ? 'no longer trust the former root' : 'serve a certificate from the next root'),
    holders('Still to come', rotation.holding, rotation.total - rotation.done, now));
}

/* --- the rollout ---------------------------------------------------------------------------------------------------------- */

const states = {
  Done: ['good', 'check', 'All registries have what the admin decided last.'],
  Running: ['warn', 'clock', 'The rollout is in progress.'],
  Waiting: ['calm', 'clock', 'The other registries get it with the next upgrade of their cluster, or when it is their turn.'],
  Stopped: ['bad', 'cross', 'The rollout has stopped: too many registries did not come up with the change.'],
};

function rolloutCard(fleet, now) {
  const rollout = fleet.rollout;
  if (!rollout) return card('Rollout', null, empty('Nothing has been rolled out yet.', 'The first registry begins it.'));
  const [tone, shape, text] = states[rollout.state];
  return card('Rollout', null,
    facts(['State', mark(tone, shape, text)],
      ['Chart', code(rollout.chart)],
      ['Revision', code(rollout.revision)],
      ['Since', [minute(rollout.since), ' ', h('span', { class: 'dim' }, away(rollout.since, now))]]),
    progress(rollout.done, rollout.total, 'run it on all pods'),
    rollout.failed.length > 0 ? holders('Failed', rollout.failed, rollout.failed.length, now) : null,
    rollout.changing.length > 0 ? holders('Changing now', rollout.changing, rollout.changing.length, now) : null,
    rollout.waiting > 0 ? h('p', { class: 'after' }, `${plural(rollout.waiting, 'registry', 'registries')} still ${rollout.waiting === 1 ? 'has' : 'have'} an earlier revision.`) : null);
}

/* --- both ----------------------------------------------------------------------------------------------------------------- */

function progress(done, total, what) {
  const text = `${group(done)} of ${plural(total, 'registry', 'registries')} ${what}`;
  return h('div', { class: 'progress' }, h('div', { class: 'progress-bar', role: 'progressbar', 'aria-label': text, 'aria-valuemin': 0,
    'aria-valuemax': total, 'aria-valuenow': done, vars: { '--done': `${total > 0 ? done / total * 100 : 100}%` } }), h('p', null, text));
}

const holders = (title, list, count, now) => list.length === 0 ? null : h('div', { 'data-key': title },
  h('h3', null, title, h('span', { class: 'note' }, list.length < count ? `${group(list.length)} of ${group(count)}` : group(count))),
  table(title, ['Cluster', ...list.some(holder => holder.since) ? [{ text: 'Since', kind: 'date' }] : [], 'Why'], list.map(holder => h('tr', { 'data-key': nameOf(holder) },
    h('th', { scope: 'row', class: 'name' }, h('a', { href: linkOf(holder) }, nameOf(holder))),
    list.every(one => !one.since) ? null : h('td', { class: 'date' }, holder.since ? [minute(holder.since), ' ', h('span', { class: 'dim' }, away(holder.since, now))] : '–'),
    h('td', { class: 'text' }, holder.reason ?? '–')))));

/** The banner of the fleet view while something goes on; null otherwise. */
export function changesBanner(fleet) {
  const banners = [];
  if (fleet.rotation) banners.push(problem('warn', `The root CA rotates (${fleet.rotation.phase.toLowerCase()}): ${group(fleet.rotation.done)} of ${plural(fleet.rotation.total, 'registry', 'registries')} done. `,
    h('a', { href: '#/changes' }, 'Follow it')));
  if (fleet.rollout?.state === 'Stopped') banners.push(problem('bad', `${states.Stopped[2]} `, h('a', { href: '#/changes' }, 'See which')));
  if (fleet.rollout?.state === 'Running') banners.push(problem('warn', `A rollout is in progress: ${group(fleet.rollout.done)} of ${plural(fleet.rollout.total, 'registry', 'registries')} done. `,
    h('a', { href: '#/changes' }, 'Follow it')));
  return banners;
}
