/** Frames of an adapter that has a valid key but behaves maliciously. @module */
import * as fc from 'fast-check';

const OPENSIPS = { version: 'OpenSIPS', next_hop: 'sip:h.test:5060', reachable: true };

/** A valid `hello`. */
export const HELLO = {
  ...{ type: 'hello', version: 1, adapter: 'evil', stream: 'evil', base: 1, opensips: OPENSIPS },
};

const seq = fc.constantFrom(0, 1, 2, 3, 1_000, 2 ** 31, Number.MAX_SAFE_INTEGER, -1, 1.5, '1', null);
const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.constantFrom('a', '__proto__', '\0', '\r\nX: y', 'e'.repeat(20_000), 'l'.repeat(50_000)),
);
const anyValue = fc.oneof(text, fc.jsonValue({ maxDepth: 2 }));

const hello = fc
  .record(
    {
      version: fc.constantFrom(0, 1, 2, -1, '1', null, 1.5),
      adapter: fc.oneof(anyValue, fc.constantFrom('a'.repeat(128), 'a'.repeat(129), '')),
      stream: fc.oneof(anyValue, fc.constantFrom('s'.repeat(64), 's'.repeat(65), '', 'another')),
      base: seq,
      opensips: fc.oneof(
        anyValue,
        fc.record({ version: text, next_hop: text, reachable: fc.boolean() }),
        fc.constant({ ...OPENSIPS, version: 'v'.repeat(30_000) }),
      ),
    },
    { requiredKeys: [] },
  )
  .map((changes) => ({ ...HELLO, ...changes }));

const params = fc.record(
  {
    callid: text,
    transfer_callid: text,
    destination: text,
    state: fc.constantFrom('start', 'notify', 'ok', 'fail', 'x', 'constructor'),
    status: fc.oneof(text, fc.constantFrom('200 OK', '999 x', '486')),
    leg: text,
    action: text,
    id: text,
    old_state: fc.oneof(seq, fc.constantFrom('1', 'x', 9)),
    new_state: fc.oneof(seq, fc.constantFrom('5', 'x', 9)),
  },
  { requiredKeys: ['callid'] },
);
const event = fc.record({
  type: fc.constant('event'),
  seq,
  at: fc.oneof(fc.constantFrom(0, -1, 1e300), anyValue),
  name: fc.constantFrom('E_CALL_TRANSFER', 'E_CALL_HOLD', 'E_DLG_STATE_CHANGED', 'E_OTHER', '__proto__'),
  params: fc.oneof(params, anyValue),
});

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
  fc.record({ type: anyValue, seq }),
  anyValue,
);

const linkMessage = fc.oneof(hello, event, reply, otherMessage);

/** A frame with one message, with several, or with something that is not a message. */
export const linkFrame: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  { weight: 6, arbitrary: linkMessage.map((message) => JSON.stringify(message)) },
  { weight: 3, arbitrary: fc.array(linkMessage, { maxLength: 8 }).map((batch) => JSON.stringify(batch)) },
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
