/** Reads and writes SIP messages, as far as a phone without media needs it (RFC 3261 §7 and §20). Pure. @module */

export type Header = readonly [name: string, value: string];

interface Message {
  /** With lower-case names, in their order. */
  readonly headers: readonly Header[];
  readonly callid: string;
  readonly cseq: number;
  /** The method of its transaction; a response has it in CSeq. */
  readonly method: string;
  /** Together with the method, it identifies the transaction. */
  readonly branch: string;
}

export interface SipRequest extends Message {
  readonly uri: string;
}

export interface SipResponse extends Message {
  readonly status: number;
  readonly reason: string;
}

export interface Body {
  readonly type: string;
  readonly text: string;
}

export const NO_BODY: Body = { type: '', text: '' };

/** The compact forms of RFC 3261 §7.3.3. */
const COMPACT_NAMES: Readonly<Record<string, string>> = {
  c: 'content-type',
  f: 'from',
  i: 'call-id',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  t: 'to',
  v: 'via',
};

/** Returns the message in a text; undefined if it is not SIP, such as a keep-alive. */
export function parseMessage(text: string): SipRequest | SipResponse | undefined {
  const [head = ''] = text.split('\r\n\r\n', 1);
  const [startLine = '', ...lines] = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  const headers = lines.map((line): Header => {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    return [COMPACT_NAMES[name] ?? name, line.slice(colon + 1).trim()];
  });
  const [cseq = '', method = ''] = firstValue(headers, 'cseq').split(/\s+/);
  const message: Message = {
    headers,
    callid: firstValue(headers, 'call-id'),
    cseq: Number(cseq),
    method,
    branch: parameterOf(valuesIn(firstValue(headers, 'via'))[0] ?? '', 'branch') ?? '',
  };
  const [, status, reason = ''] = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(startLine) ?? [];
  if (status !== undefined) return { ...message, status: Number(status), reason };
  const [, requestMethod, uri] = /^([A-Z]+) (\S+) SIP\/2\.0$/.exec(startLine) ?? [];
  return requestMethod === undefined || uri === undefined
    ? undefined
    : { ...message, method: requestMethod, uri };
}

/** Returns the text of a message, with Content-Type and Content-Length of its body. */
export function serialize(startLine: string, headers: readonly Header[], body: Body = NO_BODY): string {
  const all: readonly Header[] = body.type === '' ? headers : [...headers, ['Content-Type', body.type]];
  const lines = all.map(([name, value]) => `${name}: ${value}`);
  return [startLine, ...lines, `Content-Length: ${Buffer.byteLength(body.text)}`, '', body.text].join('\r\n');
}

/** Returns the first header with that lower-case name; an empty string without one. */
export function headerOf({ headers }: Pick<Message, 'headers'>, name: string): string {
  return firstValue(headers, name);
}

/** Returns all values of a header, also those that are separated by commas. */
export function headerValuesOf({ headers }: Pick<Message, 'headers'>, name: string): string[] {
  return headers.flatMap(([headerName, value]) => (headerName === name ? valuesIn(value) : []));
}

/** Returns a parameter of the header itself, not of the URI in it. */
export function parameterOf(value: string, name: string): string | undefined {
  const parameters = value.slice(value.lastIndexOf('>') + 1);
  return new RegExp(`;\\s*${name}\\s*=\\s*"?([^;"\\s,]+)`, 'i').exec(parameters)?.[1];
}

/** Returns the URI in a From, To, Contact or Route. */
export function uriIn(value: string): string {
  return /<([^>]*)>/.exec(value)?.[1] ?? value.replace(/;.*/, '').trim();
}

function firstValue(headers: readonly Header[], name: string): string {
  return headers.find(([headerName]) => headerName === name)?.[1] ?? '';
}

/** Splits at commas outside `<…>` and `"…"`. */
function valuesIn(value: string): string[] {
  return (value.match(/(?:<[^>]*>|"[^"]*"|[^,<"])+/g) ?? []).map((part) => part.trim());
}
