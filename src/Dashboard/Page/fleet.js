// The first view: all registries, with search and filters.
import { h, icon } from './dom.js';
import { group, plural, date, away, daysUntil } from './format.js';
import { countPhases, countValues, filterClusters, linkOf, nameOf, phases, sortClusters } from './fleet-model.js';
import { empty, lifeBar, lifeTone, phaseChip } from './parts.js';
import { rowTable, rowView } from './rows.js';

export const fleetRows = rowView('fleet', 34);

/** Filters and order live in the address, so that a view can be reloaded and shared on the machine. */
export function fleetView(fleet, filter, now) {
  const shown = sortClusters(filterClusters(fleet.clusters, filter), filter.by, filter.descending);
  return [
    h('h1', { class: 'unseen' }, 'Fleet'),
    phaseStrip(fleet, filter),
    filterBar(fleet, filter, shown.length),
    shown.length > 0 ? rowTable(fleetRows, {
      label: 'Registries', columns: fleetColumns(fleet, now), rows: shown, keyOf: nameOf, linkOf, sort: filter,
    }) : fleet.clusters.length > 0 ? empty('No registry matches.', 'Change the search or the filters. ',
      h('button', { type: 'button', class: 'link', 'data-act': 'clear' }, 'Show all registries'))
      : empty('There are no Clusters yet.', 'A Cluster shows up here as soon as it exists on the management cluster.'),
  ];
}

function phaseStrip(fleet, filter) {
  const counts = countPhases(filterClusters(fleet.clusters, filter, 'phase'));
  const shown = Object.entries(phases).filter(([phase]) => counts[phase] || phase === 'Ready' || filter.phase === phase);
  return h('div', { class: 'strip', role: 'group', 'aria-label': 'Filter by phase', 'data-key': 'strip' }, shown.map(([phase, { tone, shape, meaning }]) =>
    h('button', { type: 'button', class: `count tone-${counts[phase] ? tone : 'calm'}`, 'data-act': 'phase', 'data-phase': phase, 'data-key': phase,
      'aria-pressed': String(filter.phase === phase), title: meaning },
    h('span', { class: 'number' }, group(counts[phase] ?? 0)), h('span', { class: 'word' }, icon(shape), phase))));
}

function filterBar(fleet, filter, count) {
  const namespaces = countValues(filterClusters(fleet.clusters, filter, 'namespace'), cluster => cluster.namespace);
  const problems = countValues(filterClusters(fleet.clusters, filter, 'problem'), cluster => cluster.problem);
  const isFiltered = filter.search || filter.phase || filter.namespace || filter.problem;
  return h('form', { class: 'filters', role: 'search', 'data-key': 'filters' },
    h('label', { class: 'search' }, icon('search'), h('span', { class: 'unseen' }, 'Search registries'),
      h('input', { type: 'search', id: 'search', placeholder: 'Search clusters, addresses, problems', value: filter.search,
        autocomplete: 'off', spellcheck: 'false', 'data-filter': 'search' }), h('kbd', { 'aria-hidden': 'true' }, '/')),
    choice('Namespace', 'namespace', 'All namespaces', namespaces, filter.namespace),
    choice('Problem', 'problem', 'Any problem or none', problems, filter.problem),
    h('p', { class: 'shown', id: 'shown' }, isFiltered ? `${group(count)} of ${group(fleet.clusters.length)} clusters`
      : plural(count, 'cluster')),
    isFiltered ? h('button', { type: 'button', class: 'link', 'data-act': 'clear' }, 'Clear') : null);
}

const choice = (label, name, all, values, chosen) => h('label', { class: `choice choice-${name}` }, h('span', { class: 'unseen' }, label),
  h('select', { 'data-filter': name }, h('option', { value: '' }, all),
    (values.some(([value]) => value === chosen) || !chosen ? values : [[chosen, 0], ...values]).map(([value, count]) =>
      h('option', { value, selected: value === chosen }, `${value} (${group(count)})`))));

const fleetColumns = (fleet, now) => [
  { id: 'cluster', head: 'Cluster', kind: 'name', sorts: true,
    cell: cluster => [h('span', { class: 'dim' }, `${cluster.namespace}/`), cluster.name] },
  { id: 'phase', head: 'Phase', kind: 'phase', sorts: true, cell: cluster => phaseChip(cluster.phase) },
  { id: 'endpoint', head: 'Address', kind: 'mono address', sorts: true, cell: cluster => cluster.endpoint ?? '–' },
  { id: 'certificate', head: 'Certificate until', kind: 'cert', sorts: true, cell: cluster => certificate(cluster.certificate, now) },
  { id: 'root', head: 'Root', kind: 'number root', sorts: true, cell: cluster => cluster.rootGeneration ?? '–' },
  fleet.clusters.some(cluster => cluster.diskPercent !== undefined)
    ? { id: 'disk', head: 'Disk', kind: 'number disk', sorts: true, cell: cluster => disk(cluster.diskPercent) } : null,
  { id: 'chart', head: 'Chart', kind: 'mono chart', sorts: true, cell: cluster => cluster.release?.chart ?? '–' },
  { id: 'problem', head: 'Problem', kind: 'text', sorts: true,
    cell: cluster => cluster.problem ? h('span', { title: cluster.problem }, cluster.problem) : '' },
].filter(Boolean);

function certificate(value, now) {
  if (!value) return '–';
  const hasEnded = daysUntil(value.notAfter, now) < 0;
  return h('span', { class: `until tone-${lifeTone(value, now)}` }, date(value.notAfter), lifeBar(value, now),
    h('span', { class: 'dim' }, hasEnded ? 'ended' : away(value.notAfter, now)));
}

const disk = percent => percent === undefined || percent === null ? '–'
  : h('span', { class: percent >= 80 ? 'tone-warn strong' : '' }, percent >= 80 ? icon('alert') : null, `${percent} %`);
