// A table of any number of rows, of which only those on the screen are in the page. All rows have the same height.
import { h } from './dom.js';

const overscan = 10;

/**
 * Draws the rows that are visible, between two that are as high as what is left out.
 * columns: { id, head, kind, sorts, cell(row) }; keyOf and linkOf name a row.
 */
export function rowTable(view, { label, columns, rows, keyOf, linkOf, sort, footer }) {
  view.rows = rows;
  view.linkOf = linkOf;
  const [first, last] = view.printing ? [0, rows.length] : visibleRows(view, rows.length);
  [view.first, view.last] = [first, last];
  view.cursor = Math.min(view.cursor, Math.max(0, rows.length - 1));
  const reachable = view.cursor >= first && view.cursor < last ? view.cursor : first;
  return h('div', { class: 'rows', 'data-rows': view.name, 'data-key': `rows-${view.name}` },
    h('table', { 'aria-label': label, 'aria-rowcount': rows.length + 1, class: `fixed table-${view.name}` },
      h('thead', null, h('tr', { 'aria-rowindex': 1 }, columns.map(column => headCell(column, sort)))),
      h('tbody', null,
        spacer('above', first * view.height, columns.length),
        rows.slice(first, last).map((row, index) => h('tr', {
          'data-key': keyOf(row), 'data-row': first + index, 'aria-rowindex': first + index + 2 },
        columns.map((column, place) => place === 0
          ? h('th', { scope: 'row', class: column.kind }, linkOf
            ? h('a', { href: linkOf(row), tabindex: first + index === reachable ? 0 : -1, 'data-row-link': first + index }, column.cell(row))
            : column.cell(row))
          : h('td', { class: column.kind }, column.cell(row))))),
        spacer('below', (rows.length - last) * view.height, columns.length))), footer);
}

export const rowView = (name, height) => ({ name, height, cursor: 0, first: 0, last: 0, rows: [], printing: false });

const spacer = (name, height, columns) => height === 0 ? null
  : h('tr', { 'data-key': `spacer-${name}`, class: 'spacer', 'aria-hidden': 'true', vars: { '--height': `${height}px` } },
    h('td', { colspan: columns }));

function headCell(column, sort) {
  const direction = sort?.by === column.id ? (sort.descending ? 'descending' : 'ascending') : column.sorts ? 'none' : null;
  return h('th', { scope: 'col', class: column.kind, 'aria-sort': direction },
    column.sorts ? h('button', { type: 'button', 'data-act': 'sort', 'data-by': column.id }, column.head,
      h('span', { class: 'arrow', 'aria-hidden': 'true' }, direction === 'ascending' ? '↑' : direction === 'descending' ? '↓' : ''))
      : column.head);
}

function visibleRows(view, count) {
  const body = document.querySelector(`[data-rows="${view.name}"] tbody`);
  const top = body ? -body.getBoundingClientRect().top : 0;
  const first = Math.max(0, Math.min(count, Math.floor(top / view.height)) - overscan);
  const last = Math.min(count, Math.max(first, Math.ceil((top + window.innerHeight) / view.height) + overscan));
  return last > first ? [first, last] : [Math.max(0, count - 2 * overscan), count];
}

/** Whether scrolling has left the rows that are drawn. */
export function hasMoved(view) {
  const [first, last] = visibleRows(view, view.rows.length);
  return first !== view.first || last !== view.last;
}

/** Moves the cursor by a key; true when the key was one of its. */
export function moveCursor(view, key, from) {
  const page = Math.max(1, Math.floor(window.innerHeight / view.height) - 4);
  const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -view.rows.length, End: view.rows.length };
  if (!(key in moves)) return false;
  view.cursor = Math.max(0, Math.min(view.rows.length - 1, from + moves[key]));
  return true;
}

/** Scrolls so far that the cursor's row is on the screen, below the head that stays. */
export function scrollToCursor(view, below) {
  const body = document.querySelector(`[data-rows="${view.name}"] tbody`);
  if (!body) return;
  const top = body.getBoundingClientRect().top + view.cursor * view.height;
  if (top < below) window.scrollBy(0, top - below);
  else if (top + view.height > window.innerHeight) window.scrollBy(0, top + view.height - window.innerHeight + 4);
}
