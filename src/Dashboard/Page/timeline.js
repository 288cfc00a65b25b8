// All certificates and roots over time: when roots rotate, when certificates are renewed, and when they would end.
import { h } from './dom.js';
import { away, date, group, minute, plural, share } from './format.js';
import { compareText, linkOf, nameOf } from './fleet-model.js';
import { card, empty, facts, lifeTone, mark } from './parts.js';
import { rowTable, rowView } from './rows.js';

export const timelineRows = rowView('timeline', 34);

const months = 24;

export function timelineView(fleet, now) {
  const certified = fleet.clusters.filter(cluster => cluster.certificate)
    .sort((one, other) => compareText(one.certificate.renewal, other.certificate.renewal) || compareText(nameOf(one), nameOf(other)));
  if (certified.length === 0 && fleet.roots.length === 0)
    return [h('h1', null, 'Timeline'), empty('There are no certificates yet.', 'The root CA is created with the first registry.')];
  return [h('h1', null, 'Timeline'), rootCard(fleet, now), renewalCard(certified, now), certificateCard(certified, now)];
}

/* --- roots ----------------------------------------------------------------------------------------------------------- */

const roles = {
  Signing: ['good', 'check', 'signs'], Next: ['warn', 'clock', 'follows'], Former: ['calm', 'off', 'trusted only'],
};

function rootCard(fleet, now) {
  if (fleet.roots.length === 0) return card('Roots', null, empty('The root CA can’t be read.', 'Your rights may not cover its Secret.'));
  const axis = axisOf(fleet.roots.map(root => root.notBefore), fleet.roots.map(root => root.notAfter), now);
  return card('Roots', plural(fleet.roots.length, 'root'), h('ol', { class: 'bars' }, fleet.roots.map(root => {
    const [tone, shape, text] = root.compromised ? ['bad', 'cross', 'compromised'] : roles[root.role];
    return h('li', { 'data-key': root.id },
      h('p', { class: 'bar-head' }, h('strong', null, `Generation ${root.generation}`), mark(tone, shape, text), h('code', { title: root.id }, root.id.slice(0, 8)),
        h('span', { class: 'dim' }, `${date(root.notBefore)} – ${date(root.notAfter)}`),
        root.rotation && root.role === 'Signing' ? h('span', { class: 'dim' },
          Date.parse(root.rotation) > now ? `rotates ${away(root.rotation, now)} (${date(root.rotation)})` : 'due for rotation') : null),
      track(axis, root.notBefore, root.notAfter, tone, root.rotation, now));
  })), axisLabels(axis));
}

function axisOf(starts, ends, now) {
  const from = Math.min(...starts.map(time => Date.parse(time)), now);
  const to = Math.max(...ends.map(time => Date.parse(time)), now);
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}

const at = (axis, time) => `${(share(axis.from, axis.to, typeof time === 'number' ? time : Date.parse(time)) * 100).toFixed(2)}%`;

const track = (axis, from, to, tone, moment, now) => h('span', { class: 'track', 'aria-hidden': 'true', vars: { '--now': at(axis, now) } },
  h('span', { class: `span tone-${tone}`, vars: { '--from': at(axis, from), '--to': at(axis, to) } }),
  moment ? h('span', { class: 'moment', vars: { '--at': at(axis, moment) } }) : null);

function axisLabels(axis) {
  const [first, last] = [new Date(axis.from).getUTCFullYear() + 1, new Date(axis.to).getUTCFullYear()];
  const step = Math.max(1, Math.ceil((last - first + 1) / 12));
  const years = [];
  for (let year = first; year <= last; year += step) years.push(year);
  // A label at an edge would stand beside the axis.
  const fits = year => { const place = share(axis.from, axis.to, Date.UTC(year, 0, 1)); return place > 0.015 && place < 0.985; };
  return h('div', { class: 'axis', 'aria-hidden': 'true' }, years.filter(fits).map(year =>
    h('span', { vars: { '--at': at(axis, Date.UTC(year, 0, 1)) } }, year)));
}

/* --- renewals per month ------------------------------------------------------------------------------------------------ */

const monthOf = time => {
  const moment = new Date(time);
  return moment.getUTCFullYear() * 12 + moment.getUTCMonth();
};
const monthName = month => `${Math.floor(month / 12)}-${String(month % 12 + 1).padStart(2, '0')}`;

function renewalCard(certified, now) {
  const first = monthOf(now);
  const counts = Array.from({ length: months }, () => ({ renewals: 0, ends: 0 }));
  let overdue = 0;
  for (const { certificate } of certified) {
    const [renewal, end] = [monthOf(Date.parse(certificate.renewal)) - first, monthOf(Date.parse(certificate.notAfter)) - first];
    if (Date.parse(certificate.renewal) < now) overdue++;
    else if (renewal < months) counts[renewal].renewals++;
    if (end >= 0 && end < months) counts[end].ends++;
  }
  const most = Math.max(1, ...counts.map(count => Math.max(count.renewals, count.ends)));
  const soonest = certified.filter(cluster => Date.parse(cluster.certificate.renewal) >= now)[0];
  return card('Renewals', `next ${months} months`,
    facts(
      ['Next renewal', soonest ? [minute(soonest.certificate.renewal), ' ', h('span', { class: 'dim' }, `${nameOf(soonest)}, ${away(soonest.certificate.renewal, now)}`)] : '–'],
      ['Due now', overdue > 0 ? mark('warn', 'clock', plural(overdue, 'certificate')) : mark('good', 'check', 'none')],
      ['Certificates', group(certified.length)]),
    h('div', { class: 'columns', role: 'img', 'aria-label': describe(counts, first) }, counts.map((count, index) =>
      h('div', { class: 'column', title: `${monthName(first + index)}: ${plural(count.renewals, 'renewal')}, ${plural(count.ends, 'certificate')} would end` },
        h('span', { class: 'value' }, count.renewals || ''),
        h('span', { class: 'fills' }, h('span', { class: 'fill renewals', vars: { '--share': `${count.renewals / most * 100}%` } }),
          h('span', { class: 'fill ends', vars: { '--share': `${count.ends / most * 100}%` } })),
        h('span', { class: 'month' }, index % 3 === 0 ? monthName(first + index) : '')))),
    h('p', { class: 'legend', 'aria-hidden': 'true' }, h('span', { class: 'key renewals' }), 'renewed in this month',
      h('span', { class: 'key ends' }), 'would end in this month without a renewal'));
}

function describe(counts, first) {
  const said = counts.flatMap((count, index) => count.renewals > 0 ? [`${monthName(first + index)}: ${count.renewals}`] : []);
  return said.length > 0 ? `Renewals by month. ${said.join(', ')}.` : 'No renewal is due in these months.';
}

/* --- certificates -------------------------------------------------------------------------------------------------------- */

function certificateCard(certified, now) {
  if (certified.length === 0) return null;
  // Few enough numbers for a spread; ten thousand certificates are not.
  const first = certified.reduce((least, cluster) => cluster.certificate.notBefore < least ? cluster.certificate.notBefore : least, certified[0].certificate.notBefore);
  const last = certified.reduce((most, cluster) => cluster.certificate.notAfter > most ? cluster.certificate.notAfter : most, certified[0].certificate.notAfter);
  const axis = axisOf([first], [last], now);
  return h('section', { class: 'card wide', 'data-key': 'certificates', 'aria-label': 'Certificates' },
    h('h2', null, 'Certificates', h('span', { class: 'note' }, 'those that are renewed first at the top')),
    rowTable(timelineRows, { label: 'Certificates', rows: certified, keyOf: nameOf, linkOf, columns: [
      { id: 'cluster', head: 'Cluster', kind: 'name', cell: cluster => [h('span', { class: 'dim' }, `${cluster.namespace}/`), cluster.name] },
      { id: 'root', head: 'Root', kind: 'number', cell: cluster => cluster.rootGeneration ?? '–' },
      { id: 'renewal', head: 'Renewed', kind: 'date', cell: cluster => [date(cluster.certificate.renewal), ' ', h('span', { class: 'dim' }, away(cluster.certificate.renewal, now))] },
      { id: 'end', head: 'Ends', kind: 'date', cell: cluster => date(cluster.certificate.notAfter) },
      { id: 'bar', head: [h('span', { class: 'unseen' }, 'Lifetime'), axisLabels(axis)], kind: 'lifetime', cell: cluster => track(axis, cluster.certificate.notBefore, cluster.certificate.notAfter,
        lifeTone(cluster.certificate, now), cluster.certificate.renewal, now) },
    ] }));
}
