import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { methods } from '../methods.ts';
import { invite } from './invite.ts';

const caller = 'sip:alice@10.0.0.10';
const callee = 'sip:bob@10.0.0.11';
const nextHop = 'sip:edge@10.0.0.1:5060;transport=udp';

/** The header lines of a CallStart with these params, which must be such as are taken. */
function lines(wishes: object): string[] {
  const params = methods.CallStart.parse({ caller, callee, ...wishes });
  return invite(caller, callee, nextHop, 'first', params).params.headers.split('\r\n');
}

const plain = [
  `From: <${caller}>`,
  `To: <${callee}>`,
  'Contact: <sip:call-api@10.0.0.1:5060>',
  'Content-Type: application/sdp',
  'CSeq: 1 INVITE',
  'Call-Id: first',
];

describe('the INVITE to the caller’s phone', () => {
  it('is upstream’s where nothing is wished', () => {
    expect(lines({})).toEqual([...plain, '']);
    expect(lines({ auto_answer: false, headers: {} })).toEqual([...plain, '']);
  });

  it('shows the name in From, quoted, and changes nothing else', () => {
    expect(lines({ display: 'Zoë "Ace" O’Neil <b>, 電話' })).toEqual([
      `From: "Zoë \\"Ace\\" O’Neil <b>, 電話" <${caller}>`,
      ...plain.slice(1),
      '',
    ]);
  });

  it.each([true, 'true'])(
    'asks the phone to answer by itself, in the two ways that phones know: %j',
    (yes) => {
      expect(lines({ auto_answer: yes })).toEqual([
        ...plain,
        'Call-Info: <sip:10.0.0.1:5060>;answer-after=0',
        'Alert-Info: <sip:10.0.0.1:5060>;info=alert-autoanswer;delay=0',
        '',
      ]);
    },
  );

  it('brings the client’s own headers last, by their names', () => {
    expect(lines({ auto_answer: true, headers: { 'X-B': '2', 'X-A': '1' } }).slice(-3)).toEqual([
      'X-A: 1',
      'X-B: 2',
      '',
    ]);
  });

  it.each([
    ['sips:10.0.0.1', 'sips:call-api@10.0.0.1', 'sips:10.0.0.1'],
    ['sip:[2001:db8::1]:5070;lr', 'sip:call-api@[2001:db8::1]:5070', 'sip:[2001:db8::1]:5070'],
  ])('of %s points at OpenSIPS', (hop, contact, host) => {
    const params = methods.CallStart.parse({ caller, callee, auto_answer: true });
    const { headers } = invite(caller, callee, hop, 'first', params).params;
    expect(headers).toContain(`Contact: <${contact}>\r\n`);
    expect(headers).toContain(`Call-Info: <${host}>;`);
  });

  it('has no line but those that were asked for, whatever a client writes', () => {
    const text = fc.string({ unit: 'binary', maxLength: 12 });
    fc.assert(
      fc.property(
        fc.oneof(text, fc.constantFrom('a\\r\\nX-Evil: 1', '"\r\nX-Evil: 1', '\\"', '" <sip:evil@x>')),
        fc.oneof(text, fc.constantFrom('a\\r\\nX-Evil: 1', '\nX-Evil: 1', 'a!b', '!!')),
        (display, value) => {
          const params = methods.CallStart.safeParse({ caller, callee, display, headers: { 'X-A': value } });
          fc.pre(params.success);
          const { headers } = invite(caller, callee, nextHop, 'first', params.data ?? {}).params;
          // As OpenSIPS reads it: `\r` and `\n` in text are line ends to it.
          const read = headers
            .replaceAll('\\r', '\r')
            .replaceAll('\\n', '\n')
            .split(/\r\n|\r|\n/);
          expect(read.map((line) => line.split(':')[0])).toEqual([
            'From',
            'To',
            'Contact',
            'Content-Type',
            'CSeq',
            'Call-Id',
            'X-A',
            '',
          ]);
          expect(read[0]).toMatch(/^From: "(?:[^"\\]|\\.)*" <sip:alice@10\.0\.0\.10>$/u);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
