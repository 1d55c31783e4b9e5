/** Malicious and malformed messages of a client. @module */
import * as fc from 'fast-check';

/** Addresses that would do harm if they were written into SIP unchanged. */
const HARMFUL_URIS = [
  'sip:a\r\nRoute: <sip:evil.test>@h.test',
  'sip:a@h.test\r\nX: y',
  'sip:a@h.test\n',
  '\r\nsip:a@h.test',
  'sip:a%0d%0aX:%20y@h.test',
  'sip:a%00@h.test',
  'sip:a\u0000@h.test',
  'sip:a@h.test>;tag=1,<sip:b@h.test',
  '<sip:a@h.test>',
  '"x" <sip:a@h.test>',
  'sip:a@h.test?Replaces=x',
  'sip:a@h.test?Route=%3Csip:evil.test%3E',
  'sip:a@h.test;maddr=192.0.2.1',
  'sip:a@h.test;method=REGISTER',
  'sip:a@h.test;METHOD=BYE',
  'sip:a@h.test;m%61ddr=192.0.2.1',
  'sip:a@h.test;x=1;x=2',
  'sip:a@h.test:99999',
  'sip:a@h.test:0',
  'sip:a@[::1]:5060',
  'sip:a@[::ffff:127.0.0.1%25eth0]',
  'sip:a@[',
  'sip:@h.test',
  'sip:a@@h.test',
  'sip:a@h..test',
  'sip:a@-h.test',
  'sip:ä@h.test',
  'sip:a@хост.test',
  'sip:a\u202e@h.test',
  'sip:a\u2028b@h.test',
  'sip:a@h.test\u0085',
  'sip:\ud800@h.test',
  'tel:+1900555',
  'http://h.test/',
  'javascript:alert(1)',
  'SIP:A@H.TEST',
  'sips:a@h.test;transport=tls',
  'sip:%2B1%39%30%30555@h.test',
  'sip:+1-900-555@h.test',
  'sip:+1(900)555@h.test.',
  'sip:+1900555;phone-context=x@h.test',
  'sip:%252B1900@h.test',
  'sip:a:p@h.test',
  'sip:a;b=c@h.test;d=e',
  `sip:${'a'.repeat(600)}@h.test`,
  `sip:a@${'h.'.repeat(300)}test`,
  `sip:a@h.test${';p=v'.repeat(200)}`,
  `sip:${'%41'.repeat(160)}@h.test`,
  'sip:a@h.test;x=$(reboot)',
  "sip:a'--@h.test",
  'sip:$ru@h.test',
  'sip:$avp(x)@h.test',
];

/** Valid addresses with one insertion. */
const mutatedUri = fc
  .tuple(
    fc.constantFrom('sip:alice@h.test', 'sip:bob.1@127.0.0.1:5060', 'sips:c@h.test;transport=tcp'),
    fc.nat(30),
    fc.oneof(
      fc.constantFrom(
        '\r',
        '\n',
        '\r\n',
        '\0',
        ' ',
        '\t',
        '<',
        '>',
        '"',
        ',',
        ';',
        '?',
        '@',
        ':',
        '%',
        '\\',
        '{',
        '|',
      ),
      fc.constantFrom(
        '%0d%0a',
        '%00',
        '%7f',
        '%',
        '%4',
        '%zz',
        '%25',
        '%3e',
        '%40',
        'é',
        '\u2028',
        '💥',
        '\u0000',
      ),
      fc.string({ maxLength: 8 }),
      fc.string({ unit: 'binary', maxLength: 8 }),
    ),
  )
  .map(([uri, index, insertion]) => uri.slice(0, index) + insertion + uri.slice(index));

export const uri = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...HARMFUL_URIS) },
  { weight: 5, arbitrary: mutatedUri },
  { weight: 1, arbitrary: fc.string({ maxLength: 60 }) },
  { weight: 1, arbitrary: fc.constantFrom('sip:alice@h.test', 'sip:phone-busy@h.test') },
);

export const callid = fc.oneof(
  fc.constantFrom(
    ...[
      'a\r\nX: y',
      'a\0',
      '',
      ' ',
      'a b',
      'a,b',
      'a;b',
      'a=b',
      'a@b@c',
      '@',
      'ä',
      '💥',
      'a'.repeat(257),
      '%0d%0a',
    ],
    ...[
      '__proto__',
      'constructor',
      '../../x',
      "'; DROP TABLE calls; --",
      '{}',
      '[]',
      'null',
      '*',
      '0',
      'a@b',
    ],
  ),
  fc.string({ maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 30 }),
);

const leg = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('caller', 'callee') },
  { weight: 1, arbitrary: callid },
);
const commandId = fc.option(
  fc.oneof(fc.uuid(), fc.constantFrom('a'.repeat(65), 'a b', '__proto__', '\r\n', 'ä', '', '.', '~')),
  { nil: undefined },
);

/** Valid commands except for one or a few params, so that they get as far as possible. */
export const command = fc
  .oneof(
    fc.record({
      method: fc.constant('CallStart'),
      params: fc.record({ caller: uri, callee: uri, cmd_id: commandId }),
    }),
    fc.record({
      method: fc.constantFrom('CallEnd', 'CallHold', 'CallUnhold'),
      params: fc.record({ callid, cmd_id: commandId }),
    }),
    fc.record({
      method: fc.constant('CallBlindTransfer'),
      params: fc.record({ callid, leg, destination: uri, cmd_id: commandId }),
    }),
    fc.record({
      method: fc.constant('CallAttendedTransfer'),
      params: fc.record(
        { callidA: callid, legA: leg, callidB: callid, legB: leg, destination: uri },
        { requiredKeys: ['callidA', 'legA', 'callidB', 'legB'] },
      ),
    }),
    fc.record({
      method: fc.constant('CallStart'),
      params: fc.record({
        ...{ caller: fc.constant('sip:alice@h.test'), callee: fc.constant('sip:bob@h.test') },
        timeout: fc.oneof(
          fc.double(),
          fc.string({ maxLength: 8 }),
          fc.constantFrom('007', '1e9', '٣', -1, 1e308),
        ),
      }),
    }),
  )
  .map((request) => JSON.stringify({ jsonrpc: '2.0', id: 1, ...request }));

const SPECIAL_NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'then',
  'Authorize',
];
const METHODS = [
  'CallStart',
  'CallEnd',
  'CallHold',
  'CallUnhold',
  'CallBlindTransfer',
  'CallAttendedTransfer',
  'Echo',
];

/** Envelopes that are invalid, or valid but unusual. */
const envelope = fc.record(
  {
    jsonrpc: fc.oneof(fc.constant('2.0'), fc.constant(2), fc.jsonValue({ maxDepth: 1 })),
    id: fc.oneof(
      fc.integer(),
      fc.string(),
      fc.constantFrom(null, 1.5, -0, true),
      fc.jsonValue({ maxDepth: 2 }),
    ),
    method: fc.oneof(
      fc.constantFrom(...METHODS, ...SPECIAL_NAMES),
      fc.string(),
      fc.jsonValue({ maxDepth: 1 }),
    ),
    params: fc.oneof(
      fc.dictionary(
        fc.constantFrom(
          'caller',
          'callee',
          'callid',
          'leg',
          'cmd_id',
          'token',
          'subject',
          'session',
          ...SPECIAL_NAMES,
        ),
        fc.oneof(uri, callid, fc.jsonValue({ maxDepth: 2 })),
      ),
      fc.jsonValue(),
    ),
  },
  { requiredKeys: [] },
);

const nested = fc
  .tuple(
    fc.constantFrom(10, 1_000, 5_000, 30_000),
    fc.constantFrom<[string, string]>(['[', ']'], ['{"a":', '}']),
    fc.boolean(),
  )
  .map(
    ([depth, [open, close], closed]) =>
      `${open.repeat(depth / open.length)}1${closed ? close.repeat(depth / open.length) : ''}`,
  );

/** Texts that are not JSON, deeply nested, long, or that use special names. */
const text = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.jsonValue().map((value) => JSON.stringify(value)),
  nested,
  nested.map((json) => `{"jsonrpc":"2.0","id":1,"method":"Echo","params":{"deep":${json}}}`),
  nested.map((json) => `{"jsonrpc":"2.0","id":${json},"method":"Echo"}`),
  fc
    .constantFrom(1_000, 65_000, 65_536, 70_000, 500_000)
    .map((length) => `{"jsonrpc":"2.0","id":1,"method":"${'x'.repeat(length)}"}`),
  fc
    .constantFrom(1_000, 60_000)
    .map((length) => `{"jsonrpc":"2.0","id":"${'é'.repeat(length / 2)}","method":"Echo"}`),
  fc
    .nat(300)
    .map((size) =>
      JSON.stringify(Array.from({ length: size }, (_, id) => ({ jsonrpc: '2.0', id, method: 'Nope' }))),
    ),
  fc.constantFrom(
    '{"jsonrpc":"2.0","id":1,"method":"Echo","params":{"__proto__":{"cmd_id":"x"},"constructor":{"prototype":{"y":1}}}}',
    '{"jsonrpc":"2.0","id":1,"method":"Echo","params":{"cmd_id":"a","cmd_id":"b"}}',
    '{"__proto__":{"jsonrpc":"2.0","id":1,"method":"Echo"}}',
    '{"jsonrpc":"2.0","id":1,"method":"Echo"',
    '{"jsonrpc":"2.0","id":1e400,"method":"Echo"}',
    '{"jsonrpc":"2.0","id":12345678901234567890,"method":"Echo"}',
    '\ufeff{}',
    ...['', ' ', '[]', '[[]]', '{}', 'null', '0', '"', '\0', 'NaN', 'ping', 'pong', '[1,2,3]', '{"id":{}}'],
  ),
);

/** A text message or a binary one. */
export const message: fc.Arbitrary<string | Uint8Array<ArrayBuffer>> = fc.oneof(
  { weight: 5, arbitrary: envelope.map((request) => JSON.stringify(request)) },
  { weight: 2, arbitrary: fc.array(envelope, { maxLength: 5 }).map((batch) => JSON.stringify(batch)) },
  { weight: 5, arbitrary: text },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => new Uint8Array(bytes)) },
);
