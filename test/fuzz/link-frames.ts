/** Frames of an adapter that has a valid key but behaves maliciously. @module */
import * as fc from 'fast-check';

const OPENSIPS = { version: 'OpenSIPS', next_hop: 'sip:h.test:5060', reachable: true };

/** A valid `hello`. */
export const HELLO = {
  ...{ type: 'hello', version: 1, adapter: 'evil', stream: 'evil', base: 1, opensips: OPENSIPS },
};

/** An OpenSIPS with every optional field. */
const FULL_OPENSIPS = {
  ...OPENSIPS,
  in_dialog: { refer: true, hold: true, timeout_ms: 5_000 },
  match_param: 'osid',
  set_up_from: 'callee',
  transport: 'tcp',
};

/** A `hello` of an adapter that sends requests within a dialog. */
export const IN_DIALOG_HELLO = { ...HELLO, opensips: FULL_OPENSIPS };

/** Commands on one call, each with another request to the adapter. */
export const CALL_COMMANDS: readonly (readonly [method: string, params: object])[] = [
  ['CallEnd', { callid: 'x' }],
  ['CallHold', { callid: 'x' }],
  ['CallUnhold', { callid: 'x', leg: 'caller' }],
  ['CallBlindTransfer', { callid: 'x', leg: 'callee', destination: 'sip:y@h.test' }],
  ['CallAttendedTransfer', { callidA: 'x', legA: 'callee', callidB: 'y', legB: 'callee' }],
  ['CallStart', { caller: 'sip:a@h.test', callee: 'sip:b@h.test' }],
];

const seq = fc.constantFrom(0, 1, 2, 3, 1_000, 2 ** 31, Number.MAX_SAFE_INTEGER, -1, 1.5, '1', null);
const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.constantFrom('a', '__proto__', '\0', '\r\nX: y', 'e'.repeat(20_000), 'l'.repeat(50_000)),
);
const anyValue = fc.oneof(text, fc.jsonValue({ maxDepth: 2 }));

const flag = fc.oneof(fc.boolean(), fc.constantFrom('true', 1, null));
const inDialog = fc.oneof(
  anyValue,
  fc.record(
    { refer: flag, hold: flag, timeout_ms: fc.constantFrom(1, 5_000, 0, -1, 1.5, 2 ** 53, '1', null) },
    { requiredKeys: [] },
  ),
);
const opensips = fc
  .record(
    {
      version: fc.oneof(text, fc.constantFrom('OpenSIPS (3.4.18 (x86_64/linux))', '')),
      next_hop: text,
      reachable: fc.boolean(),
      in_dialog: inDialog,
      match_param: fc.oneof(text, fc.constantFrom('osid', '', 'a=b;c', 'm'.repeat(65))),
      set_up_from: fc.constantFrom('caller', 'callee', 'both', null),
      transport: fc.oneof(text, fc.constantFrom('tcp', 'tls', 'x;lr', 't'.repeat(17))),
    },
    { requiredKeys: [] },
  )
  .map((changes) => ({ ...FULL_OPENSIPS, ...changes }));

const hello = fc
  .record(
    {
      version: fc.constantFrom(0, 1, 2, -1, '1', null, 1.5),
      adapter: fc.oneof(anyValue, fc.constantFrom('a'.repeat(128), 'a'.repeat(129), '')),
      stream: fc.oneof(anyValue, fc.constantFrom('s'.repeat(64), 's'.repeat(65), '', 'another')),
      base: seq,
      opensips: fc.oneof(anyValue, opensips, fc.constant({ ...OPENSIPS, version: 'v'.repeat(30_000) })),
    },
    { requiredKeys: [] },
  )
  .map((changes) => ({ ...HELLO, ...changes }));

/** The events of OpenSIPS, and those of the example script. */
const EVENT_NAMES = [
  'E_CALL_TRANSFER',
  'E_CALL_HOLD',
  'E_DLG_STATE_CHANGED',
  'E_CALL_REFUSED',
  'E_CALL_BYE',
] as const;

const params = fc.record(
  {
    // One Call-ID for many events, so that dialogs with several ids share it.
    callid: fc.oneof(text, fc.constantFrom('x', 'c'.repeat(4_096), 'c'.repeat(4_097))),
    transfer_callid: fc.oneof(text, fc.constantFrom('x', 'y', '')),
    destination: text,
    osid: fc.oneof(text, fc.constantFrom('d1', '')),
    to_tag: fc.oneof(text, fc.constantFrom(null, 7)),
    state: fc.constantFrom('start', 'notify', 'ok', 'fail', 'x', 'constructor'),
    status: fc.oneof(text, fc.constantFrom('200 OK', '999 x', '486', '407 Proxy Authentication Required')),
    leg: fc.oneof(text, fc.constantFrom('caller', 'callee')),
    action: fc.oneof(text, fc.constantFrom('hold', 'unhold')),
    id: fc.oneof(text, fc.constantFrom('d1', 'd2')),
    old_state: fc.oneof(seq, fc.constantFrom('1', 'x', 9)),
    new_state: fc.oneof(seq, fc.constantFrom('5', 'x', 9)),
  },
  { requiredKeys: ['callid'] },
);
const event = fc.record({
  type: fc.constant('event'),
  seq,
  at: fc.oneof(fc.constantFrom(0, -1, 1e300), anyValue),
  name: fc.constantFrom(...EVENT_NAMES, 'E_OTHER', '__proto__'),
  params: fc.oneof(params, anyValue),
});

/** Valid events of two dialogs with one Call-ID, which end, go on and end again in any order. */
const dialogEvents = fc.array(
  fc
    .record({
      id: fc.constantFrom('d1', 'd2'),
      to_tag: fc.constantFrom(null, 'tag'),
      old_state: fc.integer({ min: 1, max: 5 }),
      new_state: fc.integer({ min: 1, max: 5 }),
    })
    .map((fields) => ({ name: 'E_DLG_STATE_CHANGED', params: { callid: 'x', ...fields } })),
  { minLength: 2, maxLength: 12 },
);

/** The fields of a reply other than its type, number and id. */
export const replyFields = fc.oneof(
  fc.record({ result: anyValue }),
  fc.record({ error: fc.oneof(anyValue, fc.record({ code: fc.integer(), message: text, data: anyValue })) }),
  fc.record({ outcome: fc.constantFrom('expired', 'refused', 'unreachable', 'timeout', 'done', '') }),
  fc.constantFrom(
    {},
    { result: 'OK', error: { code: 1, message: 'x' }, outcome: 'timeout' },
    { result: 'OK' },
  ),
  fc.record({ result: fc.record({ Status: text, RURI: text, Routes: anyValue }) }),
  fc.record({
    result: fc.record(
      {
        status: fc.oneof(text, fc.constantFrom('200 OK', '202 Accepted', '491 Request Pending', '603', '')),
        dialog_id: fc.oneof(text, fc.constantFrom('d1', null)),
        contact: fc.oneof(anyValue, fc.constantFrom('sip:b@h.test', null)),
        destination: anyValue,
      },
      { requiredKeys: [] },
    ),
  }),
  fc.record({ error: fc.constantFrom({ code: 404, message: 'x' }, { code: 410, message: 'x' }) }),
  fc.constant({ error: { code: 500, message: 'm'.repeat(100_000) } }),
);
const reply = fc
  .tuple(seq, fc.oneof(text, fc.constantFrom('1.0', 'x.1.0')), replyFields)
  .map(([number, id, fields]) => ({ type: 'reply', seq: number, id, ...fields }));

const otherMessage = fc.oneof(
  fc.record({ type: fc.constant('gap'), seq, reason: text }),
  fc.record({ type: fc.constant('status'), opensips: anyValue }),
  fc.constantFrom(
    { type: 'status', opensips: { ...OPENSIPS, version: 'v'.repeat(30_000) } },
    { type: 'goodbye' },
  ),
  fc.record({ type: fc.constant('status'), opensips }),
  // A message of the edge, which no adapter may send.
  fc.record({
    type: fc.constant('in-dialog'),
    id: text,
    method: fc.constantFrom('refer', 'hold', 'probe', 'bye'),
    params,
    timeout_ms: seq,
    ttl_ms: seq,
  }),
  fc.record({ type: anyValue, seq }),
  anyValue,
);

const linkMessage = fc.oneof(hello, event, reply, otherMessage);

/** A frame with one message, with several, or with something that is not a message. */
export const linkFrame: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  { weight: 6, arbitrary: linkMessage.map((message) => JSON.stringify(message)) },
  { weight: 3, arbitrary: fc.array(linkMessage, { maxLength: 8 }).map((batch) => JSON.stringify(batch)) },
  {
    weight: 2,
    arbitrary: dialogEvents.map((events) =>
      JSON.stringify(events.map((each, n) => ({ type: 'event', seq: n + 1, at: n, ...each }))),
    ),
  },
  {
    weight: 1,
    arbitrary: event
      .map((message) => JSON.stringify(Array(300).fill(message)))
      .map((batch) => batch.slice(0, 900_000)),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 100 }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', '[]', '[[[[', '['.repeat(50_000), 'null', '{', 'x'.repeat(1_200_000)),
  },
);
