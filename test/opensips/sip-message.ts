/** Parses and serializes SIP messages, as far as a phone in a test needs it (RFC 3261 §7 and §20). @module */

export type Header = readonly [name: string, value: string];

interface Message {
  readonly headers: readonly Header[];
  readonly body: string;
  readonly callid: string;
  readonly cseq: number;
  /** The method of its transaction; a reply has it in CSeq. */
  readonly method: string;
  /** Together with the method, it identifies the transaction. */
  readonly branch: string;
}

export interface Request extends Message {
  readonly uri: string;
}

export interface Reply extends Message {
  readonly status: number;
  readonly reason: string;
}

/** A UDP address. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The compact forms of RFC 3261 §7.3.3 and RFC 3515 §2.1. */
const COMPACT_NAMES: Readonly<Record<string, string>> = {
  b: 'referred-by',
  c: 'content-type',
  f: 'from',
  i: 'call-id',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  o: 'event',
  r: 'refer-to',
  t: 'to',
  v: 'via',
};

/** Parses a datagram. Returns undefined if it is not SIP, such as a keep-alive. */
export function parseMessage(text: string): Request | Reply | undefined {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [startLine = '', ...lines] = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  const headers = lines.map((line): Header => {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    return [COMPACT_NAMES[name] ?? name, line.slice(colon + 1).trim()];
  });
  const [cseq = '', method = ''] = firstValue(headers, 'cseq').split(/\s+/);
  const message: Message = {
    headers,
    body: rest.join('\r\n\r\n'),
    callid: firstValue(headers, 'call-id'),
    cseq: Number(cseq),
    method,
    branch: parameter(splitValues(firstValue(headers, 'via'))[0] ?? '', 'branch') ?? '',
  };
  const statusLine = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(startLine);
  if (statusLine) return { ...message, status: Number(statusLine[1]), reason: statusLine[2] ?? '' };
  const requestLine = /^([A-Z]+) (\S+) SIP\/2\.0$/.exec(startLine);
  return requestLine ? { ...message, method: requestLine[1] ?? '', uri: requestLine[2] ?? '' } : undefined;
}

/** Serializes a message, with Content-Type and Content-Length of its body. */
export function serialize(startLine: string, headers: readonly Header[], body: Body = NO_BODY): string {
  const typed: readonly Header[] = body.type === '' ? headers : [...headers, ['Content-Type', body.type]];
  const lines = typed.map(([name, value]) => `${name}: ${value}`);
  return [startLine, ...lines, `Content-Length: ${Buffer.byteLength(body.text)}`, '', body.text].join('\r\n');
}

export interface Body {
  readonly type: string;
  readonly text: string;
}

export const NO_BODY: Body = { type: '', text: '' };

/** Returns the first header with that lower-case name, or an empty string. */
export function header(message: Message, name: string): string {
  return firstValue(message.headers, name);
}

/** Returns all values of a header, including those separated by commas. */
export function headerValues(message: Message, name: string): string[] {
  return message.headers.flatMap(([headerName, value]) => (headerName === name ? splitValues(value) : []));
}

function firstValue(headers: readonly Header[], name: string): string {
  return headers.find(([headerName]) => headerName === name)?.[1] ?? '';
}

/** Splits at commas outside `<…>` and `"…"`. */
function splitValues(value: string): string[] {
  return (value.match(/(?:<[^>]*>|"[^"]*"|[^,<"])+/g) ?? []).map((part) => part.trim());
}

/** Returns a parameter of the header itself, not of the URI in it. */
export function parameter(value: string, name: string): string | undefined {
  const headerParameters = value.slice(value.lastIndexOf('>') + 1);
  return new RegExp(`;\\s*${name}\\s*=\\s*"?([^;"\\s,]+)`, 'i').exec(headerParameters)?.[1];
}

/** Returns a field of a challenge, such as `realm="…"`, or an empty string. */
export function parameterIn(challenge: string, name: string): string {
  return new RegExp(`\\b${name}\\s*=\\s*"?([^",]*)`, 'i').exec(challenge)?.[1] ?? '';
}

/** Returns the URI in a From, To, Contact, Route or Refer-To. */
export function uriOf(value: string): string {
  return /<([^>]*)>/.exec(value)?.[1] ?? value.replace(/;.*/, '').trim();
}

/** Returns a URI without its parameters and headers. */
export function bareUri(uri: string): string {
  return uri.replace(/[;?].*/, '');
}

/** Returns the UDP address of a URI. Host names are not resolved. */
export function addressOf(uri: string): Address {
  const [, host = '127.0.0.1', port = '5060'] = /^sips?:(?:[^@]*@)?([^:;?>]+)(?::(\d+))?/i.exec(uri) ?? [];
  return { host, port: Number(port) };
}
