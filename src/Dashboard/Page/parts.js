// Small pieces that all views are made of.
import { h, icon } from './dom.js';
import { away, daysUntil, date, share, shortDigest } from './format.js';
import { phases } from './fleet-model.js';

/** A phase as shape, colour and word. */
export function phaseChip(phase) {
  const { tone, shape } = phases[phase] ?? phases.Off;
  return h('span', { class: `chip tone-${tone}` }, icon(shape), phase);
}

/** A word with a shape, for example of a replica. */
export const mark = (tone, shape, text) => h('span', { class: `mark tone-${tone}` }, icon(shape), text);

/** A button that copies a text; the page's own, so it works without a network. */
export const copyButton = (text, what) =>
  h('button', { type: 'button', class: 'copy', 'data-act': 'copy', 'data-text': text, title: `Copy ${what}` },
    icon('copy'), h('span', { class: 'unseen' }, `Copy ${what}`));

/** Something to copy, shortened for people. */
export const digest = (text, what) => text
  ? h('span', { class: 'with-copy' }, h('code', { title: text }, shortDigest(text)), copyButton(text, what)) : '–';

export const code = text => text ? h('code', null, text) : '–';

/** How far a certificate is through its life, and when it is renewed. */
export function lifeBar(certificate, now) {
  const passed = share(certificate.notBefore, certificate.notAfter, now);
  return h('span', { class: `life tone-${lifeTone(certificate, now)}`, 'aria-hidden': 'true',
    vars: { '--passed': `${(passed * 100).toFixed(1)}%`,
      '--renewal': certificate.renewal ? `${(share(certificate.notBefore, certificate.notAfter, Date.parse(certificate.renewal)) * 100).toFixed(1)}%` : '100%' } });
}

export function lifeTone(certificate, now) {
  if (now > Date.parse(certificate.notAfter)) return 'bad';
  return certificate.renewal && now > Date.parse(certificate.renewal) ? 'warn' : 'good';
}

/** The end of a certificate as date and distance. */
export const ends = (time, now) => [date(time), ' ', h('span', { class: 'dim' }, daysUntil(time, now) < 0 ? 'ended' : away(time, now))];

/** A list of names and what they stand for. */
export const facts = (...entries) => h('dl', { class: 'facts' }, entries.filter(Boolean).map(([name, ...value]) =>
  h('div', null, h('dt', null, name), h('dd', null, value))));

export const card = (title, note, ...content) => h('section', { class: 'card', 'data-key': title, 'aria-label': title },
  h('h2', null, title, note ? h('span', { class: 'note' }, note) : null), content);

/** What is said where there is nothing to show. */
export const empty = (title, ...text) => h('div', { class: 'empty' }, h('p', { class: 'empty-title' }, title), h('p', null, text));

/** What went wrong, for people and screen readers. */
export const problem = (tone, ...text) => h('div', { class: `problem tone-${tone}`, role: tone === 'bad' ? 'alert' : 'note' },
  icon(tone === 'bad' ? 'cross' : tone === 'warn' ? 'alert' : 'clock'), h('p', null, text));

/** A table of a few rows. */
export const table = (label, heads, rows) => h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': label },
  h('table', null, h('thead', null, h('tr', null, heads.map(head => h('th', { scope: 'col', class: head.kind }, head.text ?? head)))),
    h('tbody', null, rows)));
