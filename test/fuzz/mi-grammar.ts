/**
 * The grammar of the MI requests that may reach OpenSIPS, written from RFC 3261 and OpenSIPS's documentation only. It
 * shares no code with what it checks.
 * @module
 */
import type { RecordedRequest } from '../../simulator/index.ts';

/** `SIP-URI` of RFC 3261 §25.1 without headers, and without characters that could end a header value. */
const SIP_URI =
  /^sips?:(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/%]+(?::[A-Za-z0-9\-_.!~*'()&=+$,%]*)?@)?(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:;[A-Za-z0-9\-_.!~*'()[\]/:&+$%=]+)*$/i;
/** Escaped control characters (00 to 1F, 7F), which a proxy that unescapes them would write. */
const ESCAPED_CONTROL_CHARACTER = /%(?:[01][0-9a-f]|7f)/i;
/** `callid` of RFC 3261 §25.1: printable, without space, comma, semicolon and equals sign. */
const CALL_ID = /^(?![^@]*@[^@]*@)[!-+\--:<>-~]{1,4096}$/;
const LEG = /^(?:caller|callee)$/;
const SOCKET = /^udp:[\d.]+:\d+$/;
const EVENT = /^E_[A-Z_]+$/;

/**
 * `Refer-To` of RFC 3515 §2.1, one line with one address and at most a Replaces (RFC 3891 §6.1), whose parts are escaped as
 * `hvalue` of RFC 3261 §25.1.
 */
const REFER_TO =
  /^Refer-To: <([^<>?\s]+)(?:\?Replaces=(?:[A-Za-z0-9\-_.!~*'()+$/[\]]|%[0-9a-f]{2})+%3Bto-tag%3D(?:[A-Za-z0-9\-_.!~*'()+$/[\]]|%[0-9a-f]{2})+%3Bfrom-tag%3D(?:[A-Za-z0-9\-_.!~*'()+$/[\]]|%[0-9a-f]{2})+)?>\r\n$/;
/** A session description (RFC 8866) as the body that `dlg_send_sequential` is given. */
const SDP_BODY = /^custom:application\/sdp:v=0\r\n(?:[a-z]=[ -~]*\r\n)+$/;

/** Returns whether a value is valid for its parameter. */
type Validator = (value: unknown) => boolean;

const matches =
  (pattern: RegExp): Validator =>
  (value) =>
    typeof value === 'string' && pattern.test(value);
const isNonNegativeInteger: Validator = (value) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0;
const isCallId = matches(CALL_ID);
const isUri: Validator = (value) =>
  typeof value === 'string' &&
  value.length <= 512 &&
  SIP_URI.test(value) &&
  !ESCAPED_CONTROL_CHARACTER.test(value) &&
  !/;(?:method|maddr)(?:=|;|$)/i.test(value);

const is =
  (expected: string): Validator =>
  (value) =>
    value === expected;
const isReferTo: Validator = (value) => typeof value === 'string' && isUri(REFER_TO.exec(value)?.[1]);

/** The headers of the INVITE: exactly these, in this order, one per line. */
const isInviteHeaders: Validator = (value) => {
  if (typeof value !== 'string' || !value.endsWith('\r\n')) return false;
  const lines = value.slice(0, -2).split('\r\n');
  const [from = '', to = '', contact = '', type, cseq, callid = '', ...rest] = lines;
  const hasUri = (line: string, name: string) => isUri(new RegExp(`^${name}: <(.*)>$`).exec(line)?.[1]);
  return (
    rest.length === 0 &&
    !/[\r\n\0]/.test(lines.join('')) &&
    hasUri(from, 'From') &&
    hasUri(to, 'To') &&
    hasUri(contact, 'Contact') &&
    type === 'Content-Type: application/sdp' &&
    cseq === 'CSeq: 1 INVITE' &&
    isCallId(/^Call-Id: (.*)$/.exec(callid)?.[1])
  );
};

/** For each method, the only sets of parameters that are allowed. */
const ALLOWED_PARAMS: Readonly<Record<string, readonly Readonly<Record<string, Validator>>[]>> = {
  t_uac_dlg: [
    {
      method: is('INVITE'),
      ruri: isUri,
      next_hop: isUri,
      headers: isInviteHeaders,
      body: matches(/^v=0\r\n(?:[a-z]=[ -~]+\r\n)+$/),
    },
  ],
  call_transfer: [
    { callid: isCallId, leg: matches(LEG), destination: isUri },
    { callid: isCallId, leg: matches(LEG), transfer_callid: isCallId, transfer_leg: matches(LEG) },
    {
      callid: isCallId,
      leg: matches(LEG),
      transfer_callid: isCallId,
      transfer_leg: matches(LEG),
      destination: isUri,
    },
  ],
  call_hold: [{ callid: isCallId }],
  call_unhold: [{ callid: isCallId }],
  dlg_send_sequential: [
    { callid: isCallId, mode: matches(LEG), method: is('REFER'), body: is('none'), headers: isReferTo },
    { callid: isCallId, mode: matches(LEG), method: is('INVITE'), body: matches(SDP_BODY) },
    { callid: isCallId, mode: matches(LEG), method: is('OPTIONS'), body: is('none') },
  ],
  dlg_end_dlg: [{ dialog_id: isCallId }],
  dlg_list: [{ callid: isCallId }, { index: isNonNegativeInteger, counter: isNonNegativeInteger }],
  // The adapter's own requests.
  uptime: [{}],
  version: [{}],
  which: [{}],
  subscribers_list: [{}],
  events_list: [{}],
  event_subscribe: [{ event: matches(EVENT), socket: matches(SOCKET), expire: isNonNegativeInteger }],
};

/** Returns what is wrong with a request as OpenSIPS received it, or undefined. */
export function findViolation({ id, method, params }: RecordedRequest): string | undefined {
  if (typeof id !== 'string' || !/^[\w.:~-]{1,128}$/.test(id)) return `its id is ${JSON.stringify(id)}`;
  if (!Object.hasOwn(ALLOWED_PARAMS, method)) return `its method is ${method}`;
  if (typeof (params ?? {}) !== 'object' || Array.isArray(params)) return 'its params are not an object';
  const entries = Object.entries((params ?? {}) as object);
  const isSatisfied = (validators: Readonly<Record<string, Validator>>) =>
    entries.length === Object.keys(validators).length &&
    entries.every(([name, value]) => validators[name]?.(value));
  return ALLOWED_PARAMS[method]?.some(isSatisfied) ? undefined : `its params are ${JSON.stringify(params)}`;
}
