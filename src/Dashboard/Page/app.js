// State, addresses and events. Views are functions of the state; what they return is merged into the page.
import { announce, h, icon, morphChildren } from './dom.js';
import { group, minute, plural } from './format.js';
import { linkOf, nameOf } from './fleet-model.js';
import { empty, problem } from './parts.js';
import { hasMoved, moveCursor, scrollToCursor } from './rows.js';
import { ask, file, isLive, listen } from './source.js';
import { fleetRows, fleetView } from './fleet.js';
import { registryView } from './registry.js';
import { contentRows } from './content.js';
import { timelineRows, timelineView } from './timeline.js';
import { changesBanner, changesView } from './changes.js';

const detailPause = 10_000;
const tagsAtOnce = 25;
const emptyFilter = { search: '', phase: '', namespace: '', problem: '', by: 'phase', descending: false };

const state = {
  fleet: file?.fleet ?? null, fleetProblem: null, isConnected: true, route: null, filter: { ...emptyFilter },
  details: new Map(Object.entries(file?.registries ?? {})), contents: new Map(),
};
const rowViews = [fleetRows, timelineRows, contentRows];

// A file shows the moment at which it was written.
const now = () => isLive ? Date.now() : Date.parse(state.fleet.readAt);

/* --- addresses ---------------------------------------------------------------------------------------------------------- */

const pages = [['', 'Fleet'], ['timeline', 'Timeline'], ['changes', 'Rotation and rollout']];

function readAddress() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  const [page, namespace, name, tab] = path.split('/').map(decodeURIComponent);
  const parameters = new URLSearchParams(query ?? '');
  if (page === '') for (const key of Object.keys(emptyFilter))
    state.filter[key] = key === 'descending' ? parameters.get(key) === 'true' : parameters.get(key) ?? emptyFilter[key];
  state.route = { page, cluster: page === 'registry' ? { namespace, name } : null, tab: tab ? `/${tab}` : '' };
}

function writeFilter() {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(state.filter)) if (value !== emptyFilter[key]) parameters.set(key, value);
  const text = parameters.toString();
  history.replaceState(null, '', `#/${text ? `?${text}` : ''}`);
}

/* --- drawing ------------------------------------------------------------------------------------------------------------ */

function render() {
  morphChildren(document.getElementById('bar'), fragment(barView()));
  morphChildren(document.getElementById('main'), fragment(mainView()));
  loadVisibleTags();
}

const fragment = children => h('div', null, children);

function barView() {
  const { page } = state.route;
  return [
    h('button', { type: 'button', class: 'skip', 'data-act': 'skip' }, 'Skip to content'),
    h('a', { class: 'brand', href: '#/', 'aria-label': 'Registries: fleet' }, icon('box'), h('span', null, 'Registries')),
    h('nav', { 'aria-label': 'Pages' }, pages.map(([path, text]) => h('a', { href: `#/${path}`,
      'aria-current': page === path || (page === 'registry' && path === '') ? 'page' : null }, text,
    path === 'changes' && state.fleet?.rotation ? h('span', { class: 'dot', title: 'A rotation is in progress' }, h('span', { class: 'unseen' }, ' (in progress)')) : null))),
    h('p', { class: `live ${isLive ? (state.isConnected && !state.fleetProblem ? 'is-live' : 'is-lost') : 'is-file'}` }, h('span', { class: 'pulse', 'aria-hidden': 'true' }), liveText()),
  ];
}

function liveText() {
  if (!isLive) return `File of ${minute(state.fleet.readAt)} UTC`;
  if (!state.isConnected) return 'Connection lost, trying again';
  if (state.fleetProblem) return 'Not up to date';
  return state.fleet ? `Live, read ${state.fleet.readAt.slice(11, 19)} UTC` : 'Connecting';
}

function mainView() {
  const { page, cluster, tab } = state.route;
  if (!state.fleet) return state.fleetProblem ? problem('bad', state.fleetProblem) : h('p', { class: 'loading' }, 'Reading the registries…');
  const stale = state.fleetProblem ? problem('bad', `${state.fleetProblem} What is shown was read at ${minute(state.fleet.readAt)} UTC.`) : null;
  if (page === 'timeline') return [stale, timelineView(state.fleet, now())];
  if (page === 'changes') return [stale, changesView(state.fleet, now())];
  if (page === '') return [stale, changesBanner(state.fleet), fleetView(state.fleet, state.filter, now()), footer()];
  const found = cluster && state.fleet.clusters.find(one => one.namespace === cluster.namespace && one.name === cluster.name);
  if (!found) return empty(cluster ? `There is no Cluster ${nameOf(cluster)}.` : 'There is no such page.', h('a', { href: '#/' }, 'Back to the fleet'));
  return [stale, registryView(found, state.details.get(nameOf(found)), state.contents.get(nameOf(found)), tab, isLive, now())];
}

const footer = () => h('footer', null, h('p', null, `capi-registry-hook ${state.fleet.program}`, state.fleet.management ? `, management cluster ${state.fleet.management}` : '',
  '. This page changes nothing.'), h('p', { class: 'hint' }, h('kbd', null, '/'), ' search ', h('kbd', null, '↑'), ' ', h('kbd', null, '↓'), ' choose ', h('kbd', null, 'Enter'), ' open'));

/* --- data --------------------------------------------------------------------------------------------------------------- */

let reading = null;
let isStale = false;

/** One read at a time; a change while it runs is read afterwards. */
async function readFleet() {
  isStale = true;
  reading ??= (async () => {
    while (isStale) {
      isStale = false;
      try {
        [state.fleet, state.fleetProblem] = [await ask('fleet'), null];
      } catch (error) {
        state.fleetProblem = error.message;
      }
      render();
    }
    reading = null;
  })();
  await reading;
}

/** The program has read the fleet again; what is the same need not be sent. */
function onSignal(text) {
  const { revision, readAt, problem: fault } = JSON.parse(text);
  state.fleetProblem = fault ?? null;
  if (!fault && state.fleet?.revision !== revision) readFleet();
  else {
    if (state.fleet && !fault) state.fleet.readAt = readAt;
    render();
  }
}

let detailTimer = 0;

/** Reads the registry that is shown, and again while it is. */
async function readDetail() {
  clearTimeout(detailTimer);
  const { cluster, tab } = state.route;
  if (!isLive || !cluster || tab === '/content') return;
  const name = nameOf(cluster);
  if (document.visibilityState === 'visible') {
    try {
      state.details.set(name, await ask('registry', { cluster: name }));
    } catch (error) {
      state.details.set(name, { ...(state.details.get(name) ?? nothingKnown), problem: error.message });
    }
    if (state.route.cluster && nameOf(state.route.cluster) === name) render();
  }
  clearTimeout(detailTimer);
  detailTimer = setTimeout(readDetail, detailPause);
}

const nothingKnown = { readAt: new Date().toISOString(), addresses: [], names: [], certificate: null, trust: [], replicas: null, volumes: null, release: null, events: null, upgrade: null };

async function openContent() {
  const { cluster, tab } = state.route;
  if (!isLive || !cluster || tab !== '/content') return;
  const name = nameOf(cluster);
  if (state.contents.get(name)?.repositories) return;
  const content = { search: '', repositories: null, repository: null, tags: null, known: new Map(), problem: null };
  state.contents.set(name, content);
  try {
    const answer = await ask('repositories', { cluster: name });
    [content.repositories, content.hasMore] = [answer.repositories, answer.hasMore];
    if (content.repositories.length === 1) await openRepository(content, name, content.repositories[0]);
  } catch (error) {
    content.problem = error.message;
  }
  render();
}

async function openRepository(content, name, repository) {
  Object.assign(content, { repository, tags: null, known: new Map(), problem: null });
  contentRows.cursor = 0;
  render();
  try {
    const answer = await ask('tags', { cluster: name, repository });
    if (content.repository !== repository) return;
    [content.tags, content.hasMoreTags] = [answer.tags, answer.hasMore];
    announce(`${repository} has ${plural(answer.tags.length, 'tag')}`);
  } catch (error) {
    if (content.repository === repository) content.problem = error.message;
  }
  render();
}

let isReadingTags = false;

/** Reads what the tags on the screen stand for, a few at a time. */
async function loadVisibleTags() {
  const { cluster, tab } = state.route;
  const content = cluster && tab === '/content' ? state.contents.get(nameOf(cluster)) : null;
  if (isReadingTags || !content?.tags) return;
  const wanted = content.tags.slice(contentRows.first, contentRows.last).filter(tag => !content.known.has(tag)).slice(0, tagsAtOnce);
  if (wanted.length === 0) return;
  isReadingTags = true;
  const { repository, known } = content;
  try {
    for (const entry of (await ask('content', { cluster: nameOf(cluster), repository, tag: wanted })).content) known.set(entry.tag, entry);
  } catch (error) {
    for (const tag of wanted) known.set(tag, { tag, problem: error.message });
  }
  for (const tag of wanted) if (!known.has(tag)) known.set(tag, { tag, problem: 'It has been removed meanwhile.' });
  isReadingTags = false;
  render();
}

/* --- events ------------------------------------------------------------------------------------------------------------- */

const acts = {
  phase: ({ phase }) => setFilter({ phase: state.filter.phase === phase ? '' : phase }),
  clear: () => setFilter({ search: '', phase: '', namespace: '', problem: '' }),
  sort: ({ by }) => setFilter({ by, descending: state.filter.by === by && !state.filter.descending }),
  skip: () => document.getElementById('main').focus(),
  copy: ({ text }, element) => copy(text, element),
  repository: ({ repository }) => openRepository(state.contents.get(nameOf(state.route.cluster)), nameOf(state.route.cluster), repository),
};

function setFilter(change) {
  Object.assign(state.filter, change);
  fleetRows.cursor = 0;
  writeFilter();
  render();
  announce(document.getElementById('shown')?.textContent ?? '');
}

async function copy(text, element) {
  try {
    await navigator.clipboard.writeText(text);
    announce('Copied');
    element.classList.add('copied');
    setTimeout(() => element.classList.remove('copied'), 1200);
  } catch {
    announce('The browser did not allow it');
  }
}

document.addEventListener('click', event => {
  const element = event.target.closest('[data-act]');
  if (element) acts[element.dataset.act](element.dataset, element);
});
document.addEventListener('submit', event => event.preventDefault());
document.addEventListener('input', event => {
  const { filter, contentFilter } = event.target.dataset;
  if (filter) setFilter({ [filter]: event.target.value });
  if (contentFilter) {
    state.contents.get(nameOf(state.route.cluster)).search = event.target.value;
    render();
  }
});
document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isTyping = event.target.matches('input, select, textarea');
  if (event.key === '/' && !isTyping) {
    const search = document.querySelector('input[type="search"]');
    if (search) event.preventDefault();
    search?.focus();
  }
  if (event.key === 'ArrowDown' && event.target.id === 'search') moveTo(event, fleetRows, 'Home', 0);
  const link = event.target.closest('[data-row-link]');
  const view = link && rowViews.find(one => one.name === link.closest('[data-rows]').dataset.rows);
  if (view) moveTo(event, view, event.key, Number(link.dataset.rowLink));
});

function moveTo(event, view, key, from) {
  if (view.rows.length === 0 || !moveCursor(view, key, from)) return;
  event.preventDefault();
  scrollToCursor(view, document.querySelector(`[data-rows="${view.name}"] thead`).getBoundingClientRect().bottom);
  render();
  document.querySelector(`[data-rows="${view.name}"] [data-row-link="${view.cursor}"]`)?.focus({ preventScroll: true });
}

let isScrolling = false;
document.addEventListener('scroll', () => {
  if (isScrolling) return;
  isScrolling = true;
  requestAnimationFrame(() => {
    isScrolling = false;
    if (rowViews.some(view => document.querySelector(`[data-rows="${view.name}"]`) && hasMoved(view))) render();
  });
}, { passive: true });
window.addEventListener('resize', render);
window.addEventListener('beforeprint', () => setPrinting(true));
window.addEventListener('afterprint', () => setPrinting(false));

function setPrinting(printing) {
  for (const view of rowViews) view.printing = printing;
  render();
}

function goTo() {
  readAddress();
  render();
  const { page, cluster } = state.route;
  document.title = cluster ? `${nameOf(cluster)} – Registries` : `${pages.find(([path]) => path === page)?.[1] ?? ''} – Registries`;
  readDetail();
  openContent();
}

window.addEventListener('hashchange', () => {
  goTo();
  window.scrollTo(0, 0);
  render();
  document.getElementById('main').focus({ preventScroll: true });
});
document.addEventListener('visibilitychange', readDetail);

goTo();
if (isLive) {
  listen(onSignal, isConnected => {
    state.isConnected = isConnected;
    render();
  });
  readFleet();
}
setInterval(render, 30_000);
