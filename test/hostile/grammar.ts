/**
 * What may reach OpenSIPS's MI, written from RFC 3261 and OpenSIPS's documentation alone: it shares no line with the
 * code whose output it judges.
 * @module
 */
import type { Request } from '../../simulator/index.ts';

/** RFC 3261 §25.1, `SIP-URI`, without headers; nothing that could end a header's value or begin another. */
const SIP_URI =
  /^sips?:(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/%]+(?::[A-Za-z0-9\-_.!~*'()&=+$,%]*)?@)?(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:;[A-Za-z0-9\-_.!~*'()[\]/:&+$%=]+)*$/i;
/** Escaped control characters (00 to 1F, 7F): a proxy that unescapes them writes them. */
const ESCAPED_CONTROL = /%(?:[01][0-9a-f]|7f)/i;
/** RFC 3261 §25.1, `callid`: printable, no blank, no comma, no semicolon, no equals sign. */
const CALL_ID = /^(?![^@]*@[^@]*@)[!-+\--:<>-~]{1,256}$/;
const LEG = /^(?:caller|callee)$/;
const SOCKET = /^udp:[\d.]+:\d+$/;
const EVENT = /^E_[A-Z_]+$/;

/** Says whether a value is right for its param. */
type Shape = (value: unknown) => boolean;

const matches =
  (pattern: RegExp): Shape =>
  (value) =>
    typeof value === 'string' && pattern.test(value);
const whole: Shape = (value) => typeof value === 'number' && Number.isInteger(value) && value >= 0;
const callid = matches(CALL_ID);
const uri: Shape = (value) =>
  typeof value === 'string' &&
  value.length <= 512 &&
  SIP_URI.test(value) &&
  !ESCAPED_CONTROL.test(value) &&
  !/;(?:method|maddr)(?:=|;|$)/i.test(value);

/** The INVITE's headers: these, in this order, each on one line, and nothing behind them. */
const headers: Shape = (value) => {
  if (typeof value !== 'string' || !value.endsWith('\r\n')) return false;
  const lines = value.slice(0, -2).split('\r\n');
  const [from = '', to = '', contact = '', type, cseq, id = '', ...rest] = lines;
  const within = (line: string, name: string) => uri(new RegExp(`^${name}: <(.*)>$`).exec(line)?.[1]);
  return (
    rest.length === 0 &&
    !/[\r\n\0]/.test(lines.join('')) &&
    within(from, 'From') &&
    within(to, 'To') &&
    within(contact, 'Contact') &&
    type === 'Content-Type: application/sdp' &&
    cseq === 'CSeq: 1 INVITE' &&
    callid(/^Call-Id: (.*)$/.exec(id)?.[1])
  );
};

/** By method: each set of params that it may be asked with, and no other. */
const METHODS: Readonly<Record<string, readonly Readonly<Record<string, Shape>>[]>> = {
  t_uac_dlg: [
    {
      method: (value) => value === 'INVITE',
      ruri: uri,
      next_hop: uri,
      headers,
      body: matches(/^v=0\r\n(?:[a-z]=[ -~]+\r\n)+$/),
    },
  ],
  call_transfer: [
    { callid, leg: matches(LEG), destination: uri },
    { callid, leg: matches(LEG), transfer_callid: callid, transfer_leg: matches(LEG) },
    { callid, leg: matches(LEG), transfer_callid: callid, transfer_leg: matches(LEG), destination: uri },
  ],
  call_hold: [{ callid }],
  call_unhold: [{ callid }],
  dlg_end_dlg: [{ dialog_id: callid }],
  dlg_list: [{ callid }, { index: whole, counter: whole }],
  // The adapter's own.
  uptime: [{}],
  version: [{}],
  subscribers_list: [{}],
  event_subscribe: [{ event: matches(EVENT), socket: matches(SOCKET), expire: whole }],
};

/** What is wrong with a request as OpenSIPS got it; undefined where nothing is. */
export function faultOf({ id, method, params }: Request): string | undefined {
  if (typeof id !== 'string' || !/^[\w.:~-]{1,128}$/.test(id)) return `its id is ${JSON.stringify(id)}`;
  if (!Object.hasOwn(METHODS, method)) return `its method is ${method}`;
  if (typeof (params ?? {}) !== 'object' || Array.isArray(params)) return 'its params are no object';
  const given = Object.entries((params ?? {}) as object);
  const fits = (shapes: Readonly<Record<string, Shape>>) =>
    given.length === Object.keys(shapes).length && given.every(([name, value]) => shapes[name]?.(value));
  return METHODS[method]?.some(fits) ? undefined : `its params are ${JSON.stringify(params)}`;
}
