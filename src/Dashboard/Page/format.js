// Times are UTC, as in all other output of the program.

const day = 86_400_000;

export const plural = (count, one, many = `${one}s`) => `${group(count)} ${count === 1 ? one : many}`;

export const group = count => String(count).replace(/\B(?=(\d{3})+$)/g, ',');

/** The date of a time, or a dash. */
export const date = time => time ? time.slice(0, 10) : '–';

export const minute = time => time ? `${time.slice(0, 10)} ${time.slice(11, 16)}` : '–';

/** How far a time is from now, for example "in 214 d" or "3 min ago". */
export function away(time, now) {
  const left = Date.parse(time) - now;
  const text = span(Math.abs(left));
  return left >= 0 ? `in ${text}` : `${text} ago`;
}

/** A length of time in its largest unit. */
export function span(milliseconds) {
  if (milliseconds >= 3 * 365 * day) return `${Math.round(milliseconds / 365 / day)} y`;
  if (milliseconds >= 2 * day) return `${Math.round(milliseconds / day)} d`;
  if (milliseconds >= 7_200_000) return `${Math.round(milliseconds / 3_600_000)} h`;
  if (milliseconds >= 120_000) return `${Math.round(milliseconds / 60_000)} min`;
  return `${Math.round(milliseconds / 1000)} s`;
}

export const daysUntil = (time, now) => Math.floor((Date.parse(time) - now) / day);

/** A size with three digits. */
export function bytes(count) {
  if (count === null || count === undefined) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = 0;
  while (count >= 1000 && unit < units.length - 1) {
    count /= 1024;
    unit++;
  }
  return `${unit === 0 || count >= 100 ? Math.round(count) : count.toFixed(count >= 10 ? 1 : 2)} ${units[unit]}`;
}

/** Digests and serial numbers as far as people compare them. */
export const shortDigest = digest => digest ? digest.replace(/^sha256:/, '').slice(0, 12) : '–';

/** The part of a span that has passed, 0 to 1. */
export function share(from, to, now) {
  const whole = Date.parse(to) - Date.parse(from);
  return whole > 0 ? Math.min(1, Math.max(0, (now - Date.parse(from)) / whole)) : 1;
}
