// Elements are made of text and attributes alone, never of markup: whatever a cluster or a registry says stays text.

const svgSpace = 'http://www.w3.org/2000/svg';

/** Makes an element. `vars` are custom properties; children are elements, texts, or nothing. */
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Makes an element of a drawing. */
export function draw(tag, attributes, ...children) {
  return fill(document.createElementNS(svgSpace, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'vars') for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/** Makes the children of an element those of another one, and keeps what is the same: focus, scroll position, open details. */
export function morphChildren(before, after) {
  // What is gone goes first, so that what stays need not be moved: moving an element takes the focus away from it.
  const wantedKeys = new Set([...after.children].map(child => child.dataset?.key).filter(Boolean));
  const keyed = new Map();
  for (const child of [...before.children]) {
    if (!child.dataset?.key) continue;
    if (wantedKeys.has(child.dataset.key)) keyed.set(child.dataset.key, child);
    else child.remove();
  }
  let place = before.firstChild;
  for (const wanted of [...after.childNodes]) {
    const key = wanted.dataset?.key;
    const match = key ? keyed.get(key) : place && !place.dataset?.key ? place : null;
    if (match && isSame(match, wanted)) {
      if (match === place) place = place.nextSibling;
      else before.insertBefore(match, place);
      morph(match, wanted);
    } else before.insertBefore(wanted, place);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

const isSame = (one, other) => one.nodeType === other.nodeType && one.nodeName === other.nodeName
  && one.dataset?.key === other.dataset?.key;

function morph(before, after) {
  if (before.nodeType === Node.TEXT_NODE) {
    if (before.data !== after.data) before.data = after.data;
    return;
  }
  for (const { name } of [...before.attributes])
    if (!after.hasAttribute(name) && name !== 'style' && name !== 'open') before.removeAttribute(name);
  for (const { name, value } of after.attributes)
    if (name !== 'style' && name !== 'open' && before.getAttribute(name) !== value) before.setAttribute(name, value);
  if (before.style.cssText !== after.style.cssText) before.style.cssText = after.style.cssText;
  morphChildren(before, after);
  if (before.nodeName === 'INPUT' && document.activeElement !== before) before.value = after.getAttribute('value') ?? '';
  if (before.nodeName === 'SELECT') before.value = after.value;
}

const shapes = {
  check: ['circle', 'M5 8.2 7.2 10.4 11 5.9'],
  clock: ['ring', 'M8 4.8V8.2l2.3 1.5'],
  alert: ['triangle', 'M8 6.2v3.2M8 11.3v.2'],
  cross: ['octagon', 'm5.8 5.8 4.4 4.4m0-4.4-4.4 4.4'],
  pause: ['ring', 'M6.5 5.6v4.8M9.5 5.6v4.8'],
  off: ['ring', 'M5.3 8h5.4'],
  bin: ['dash', 'm5.8 5.8 4.4 4.4m0-4.4-4.4 4.4'],
  copy: ['none', 'M5.5 5.5V3.2h7.3v7.3h-2.3M3.2 5.5h7.3v7.3H3.2z'],
  search: ['none', 'M7 11.2a4.2 4.2 0 1 0 0-8.4 4.2 4.2 0 0 0 0 8.4zM10.1 10.1 13.4 13.4'],
  back: ['none', 'M9.8 3.6 5.4 8l4.4 4.4'],
  box: ['none', 'M3 5.2 8 2.8l5 2.4v5.6L8 13.2l-5-2.4zM3 5.2l5 2.4 5-2.4M8 7.6v5.6'],
};
const outlines = {
  circle: () => draw('circle', { cx: 8, cy: 8, r: 6.6, class: 'solid' }),
  ring: () => draw('circle', { cx: 8, cy: 8, r: 6, class: 'outline' }),
  dash: () => draw('circle', { cx: 8, cy: 8, r: 6, class: 'outline dashed' }),
  triangle: () => draw('path', { d: 'M8 1.6 15 14H1z', class: 'solid' }),
  octagon: () => draw('path', { d: 'M5.3 1.4h5.4l3.9 3.9v5.4l-3.9 3.9H5.3l-3.9-3.9V5.3z', class: 'solid' }),
  none: () => null,
};

/** A shape that says what its colour says. The text beside it says it again, so it is hidden from screen readers. */
export function icon(name) {
  const [outline, path] = shapes[name];
  return draw('svg', { class: `icon icon-${outline}`, viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false' },
    outlines[outline](), draw('path', { d: path, class: 'stroke' }));
}

/** Tells screen readers. */
export function announce(text) {
  const status = document.getElementById('status');
  if (status.textContent !== text) status.textContent = text;
}
