/** SIP messages as text, as far as a phone in a test needs them (RFC 3261 §7 and §20). @module */

export type Header = readonly [name: string, value: string];

interface Message {
  readonly headers: readonly Header[];
  readonly body: string;
  readonly callid: string;
  readonly cseq: number;
  /** The method of its transaction, which in a reply stands in CSeq. */
  readonly method: string;
  /** Names its transaction, together with the method. */
  readonly branch: string;
}

export interface Request extends Message {
  readonly uri: string;
}

export interface Reply extends Message {
  readonly status: number;
  readonly reason: string;
}

/** Where datagrams go. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** RFC 3261 §7.3.3 and RFC 3515 §2.1. */
const COMPACT: Readonly<Record<string, string>> = {
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

/** Reads a datagram; nothing where it is no SIP, such as a keep-alive. */
export function parse(text: string): Request | Reply | undefined {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [start = '', ...lines] = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  const headers = lines.map((line): Header => {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    return [COMPACT[name] ?? name, line.slice(colon + 1).trim()];
  });
  const [cseq = '', method = ''] = first(headers, 'cseq').split(/\s+/);
  const message: Message = {
    headers,
    body: rest.join('\r\n\r\n'),
    callid: first(headers, 'call-id'),
    cseq: Number(cseq),
    method,
    branch: parameter(split(first(headers, 'via'))[0] ?? '', 'branch') ?? '',
  };
  const reply = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(start);
  if (reply) return { ...message, status: Number(reply[1]), reason: reply[2] ?? '' };
  const request = /^([A-Z]+) (\S+) SIP\/2\.0$/.exec(start);
  return request ? { ...message, method: request[1] ?? '', uri: request[2] ?? '' } : undefined;
}

/** Writes a message; a body goes with its type. */
export function serialize(start: string, headers: readonly Header[], body: Body = NO_BODY): string {
  const typed: readonly Header[] = body.type === '' ? headers : [...headers, ['Content-Type', body.type]];
  const lines = typed.map(([name, value]) => `${name}: ${value}`);
  return [start, ...lines, `Content-Length: ${Buffer.byteLength(body.text)}`, '', body.text].join('\r\n');
}

export interface Body {
  readonly type: string;
  readonly text: string;
}

export const NO_BODY: Body = { type: '', text: '' };

/** The first header of that name, or an empty string. Names are in lower case. */
export function header(message: Message, name: string): string {
  return first(message.headers, name);
}

/** Every value of that header, those that commas part too. */
export function list(message: Message, name: string): string[] {
  return message.headers.flatMap(([each, value]) => (each === name ? split(value) : []));
}

function first(headers: readonly Header[], name: string): string {
  return headers.find(([each]) => each === name)?.[1] ?? '';
}

/** Commas outside of `<…>` and `"…"`. */
function split(value: string): string[] {
  return (value.match(/(?:<[^>]*>|"[^"]*"|[^,<"])+/g) ?? []).map((each) => each.trim());
}

/** A parameter of the header itself, not one of the URI in it. */
export function parameter(value: string, name: string): string | undefined {
  const own = value.slice(value.lastIndexOf('>') + 1);
  return new RegExp(`;\\s*${name}\\s*=\\s*"?([^;"\\s,]+)`, 'i').exec(own)?.[1];
}

/** The URI in a From, To, Contact, Route or Refer-To. */
export function uriOf(value: string): string {
  return /<([^>]*)>/.exec(value)?.[1] ?? value.replace(/;.*/, '').trim();
}

/** Without parameters and headers. */
export function bare(uri: string): string {
  return uri.replace(/[;?].*/, '');
}

/** Where a URI's datagrams go; names of hosts are not looked up. */
export function addressOf(uri: string): Address {
  const [, host = '127.0.0.1', port = '5060'] = /^sips?:(?:[^@]*@)?([^:;?>]+)(?::(\d+))?/i.exec(uri) ?? [];
  return { host, port: Number(port) };
}
