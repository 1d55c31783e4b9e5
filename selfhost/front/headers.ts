/** The headers that the front passes on, as the flat lists of names and values that Node.js uses. Pure. @module */

/** Headers of a connection, not of a message (RFC 9110 §7.6.1). Each of the two connections has its own. */
const CONNECTION_HEADERS = ['connection', 'keep-alive'];

/** Returns the headers of a request. `Expect` is left out: the front has already answered it with 100. */
export function requestHeaders(raw: readonly string[]): string[] {
  return without(raw, [...CONNECTION_HEADERS, 'upgrade', 'expect']);
}

/** Returns the headers of a request for another protocol. It has no body. */
export function upgradeHeaders(raw: readonly string[]): string[] {
  return without(raw, ['content-length', 'transfer-encoding', 'expect']);
}

/** Returns the headers of a response. Node.js chunks a body without a length by itself, if the client knows that. */
export function responseHeaders(raw: readonly string[]): string[] {
  return without(raw, [...CONNECTION_HEADERS, 'transfer-encoding']);
}

function without(raw: readonly string[], names: readonly string[]): string[] {
  return pairs(raw)
    .filter(([name]) => !names.includes(name.toLowerCase()))
    .flat();
}

/** Returns the head of a response to a request for another protocol. */
export function switchingProtocols(raw: readonly string[]): string {
  const lines = pairs(raw).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`;
}

function pairs(raw: readonly string[]): [name: string, value: string][] {
  return raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? '']] : []));
}
