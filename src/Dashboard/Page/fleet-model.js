// What the fleet view shows of the data: phases, filters, order, sums. Nothing here touches the page.

/** The phases, those that need a person first. `tone` is a colour, `shape` says the same without one. */
export const phases = {
  Refused: { tone: 'bad', shape: 'cross', meaning: 'A person has to act, or trust would break.' },
  Failing: { tone: 'bad', shape: 'cross', meaning: 'The Helm release or a pod fails.' },
  Invalid: { tone: 'bad', shape: 'alert', meaning: 'The variable of the Cluster has to be corrected.' },
  Unreachable: { tone: 'bad', shape: 'alert', meaning: 'An API server can’t be used now.' },
  Waiting: { tone: 'warn', shape: 'clock', meaning: 'Something that others make is not there yet.' },
  Ready: { tone: 'good', shape: 'check', meaning: 'All is as it should be.' },
  Paused: { tone: 'calm', shape: 'pause', meaning: 'The Cluster is paused and left alone.' },
  Deleting: { tone: 'calm', shape: 'bin', meaning: 'The Cluster is being deleted.' },
  Off: { tone: 'calm', shape: 'off', meaning: 'The Cluster requests no registry.' },
};
const ranks = Object.fromEntries(Object.keys(phases).map((phase, rank) => [phase, rank]));

export const nameOf = cluster => `${cluster.namespace}/${cluster.name}`;

export const linkOf = (cluster, tab = '') => `#/registry/${encodeURIComponent(cluster.namespace)}/${encodeURIComponent(cluster.name)}${tab}`;

/** How many Clusters are in each phase, for those that the other filters leave. */
export function countPhases(clusters) {
  const counts = {};
  for (const cluster of clusters) counts[cluster.phase] = (counts[cluster.phase] ?? 0) + 1;
  return counts;
}

/** Namespaces, or sentences, with how many Clusters have them, in order. */
export function countValues(clusters, valueOf) {
  const counts = new Map();
  for (const cluster of clusters) {
    const value = valueOf(cluster);
    if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].sort((one, other) => compareText(one[0], other[0]));
}

/** The Clusters that all filters leave; `except` names a filter that is not applied. */
export function filterClusters(clusters, filter, except = '') {
  const words = filter.search.toLowerCase().split(/\s+/).filter(Boolean);
  return clusters.filter(cluster =>
    (except === 'phase' || !filter.phase || cluster.phase === filter.phase)
    && (except === 'namespace' || !filter.namespace || cluster.namespace === filter.namespace)
    && (except === 'problem' || !filter.problem || cluster.problem === filter.problem)
    && (words.length === 0 || matches(cluster, words)));
}

function matches(cluster, words) {
  const text = `${nameOf(cluster)} ${cluster.endpoint ?? ''} ${cluster.problem ?? ''}`.toLowerCase();
  return words.every(word => text.includes(word));
}

const keys = {
  cluster: () => '',
  phase: cluster => ranks[cluster.phase] ?? 99,
  endpoint: cluster => cluster.endpoint ?? '',
  certificate: cluster => cluster.certificate?.notAfter ?? '9',
  root: cluster => cluster.rootGeneration ?? 0,
  disk: cluster => -(cluster.diskPercent ?? -1),
  chart: cluster => cluster.release?.chart ?? '',
  problem: cluster => cluster.problem ?? '\uffff',
};

/** In an order; equal ones by name. */
export function sortClusters(clusters, by, descending) {
  const key = keys[by] ?? keys.cluster;
  const sign = descending ? -1 : 1;
  return clusters.map(cluster => [key(cluster), nameOf(cluster), cluster])
    .sort((one, other) => sign * (compare(one[0], other[0]) || compareText(one[1], other[1])))
    .map(entry => entry[2]);
}

const compare = (one, other) => typeof one === 'number' ? one - other : compareText(one, other);

/** By code points, as the program sorts. */
export const compareText = (one, other) => one < other ? -1 : one > other ? 1 : 0;
