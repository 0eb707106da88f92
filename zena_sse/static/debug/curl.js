/** What the page does, as lines for a shell. `$TOKEN` is the reader's: the page's own cookie no script can see. */

const AUTHORIZATION = '-H "Authorization: Bearer $TOKEN"';

/**
 * The stream from here on.
 *
 * @param {string} origin
 * @param {string} cursor "" for live
 */
export function streamCurl(origin, cursor) {
  const resume = cursor ? ` -H ${quote(`Last-Event-ID: ${cursor}`)}` : "";
  return `curl -N ${AUTHORIZATION}${resume} ${quote(`${origin}/events`)}`;
}

/**
 * @param {string} origin
 * @param {{type: string, body: string, key: string}} command
 */
export function commandCurl(origin, { type, body, key }) {
  const once = key ? ` -H ${quote(`Idempotency-Key: ${key}`)}` : "";
  const json = `-H 'Content-Type: application/json' --data-raw ${quote(body)}`;
  return `curl -i -X POST ${AUTHORIZATION}${once} ${json} ${quote(`${origin}/commands/${type}`)}`;
}

/**
 * As one word of a shell, whatever is in it.
 *
 * @param {string} text
 */
function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
