// Where the data comes from: the program that serves the page, or the file itself. Only addresses below the page's own are used.

const embedded = document.getElementById('data');

/** Whether the page is served by a running program. */
export const isLive = !embedded;

/** The data of a file; null in a live page. */
export const file = embedded ? JSON.parse(embedded.textContent) : null;

/** Asks the program; an answer that is no success is thrown with what it says. */
export async function ask(path, parameters = {}, signal = undefined) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    for (const one of Array.isArray(value) ? value : [value]) query.append(name, one);
  const text = query.toString();
  const answer = await fetch(`data/${path}${text ? `?${text}` : ''}`, { signal, cache: 'no-store', credentials: 'omit' });
  if (!answer.ok) throw new Error(answer.headers.get('content-type')?.startsWith('text/plain') ? await answer.text() : `The program answered with status ${answer.status}.`);
  return answer.json();
}

/**
 * Calls back when the fleet was read, and when the connection is lost or there again. The browser connects anew by itself. A page that nobody
 * sees does not listen: browsers keep six connections to a program, for all tabs together.
 */
export function listen(onSignal, onConnection) {
  let stream = null;
  const follow = () => {
    if (document.visibilityState === 'hidden') {
      stream?.close();
      stream = null;
    } else if (!stream) {
      stream = new EventSource('live');
      stream.addEventListener('message', event => onSignal(event.data));
      stream.addEventListener('open', () => onConnection(true));
      stream.addEventListener('error', () => onConnection(false));
    }
  };
  document.addEventListener('visibilitychange', follow);
  follow();
}
