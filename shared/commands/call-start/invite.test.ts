import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandParams } from '../../protocol/rpc/commands.ts';
import { inviteCommand } from './invite.ts';

const caller = 'sip:alice@10.0.0.10';
const callee = 'sip:bob@10.0.0.11';
const nextHop = 'sip:edge@10.0.0.1:5060;transport=udp';
const features = { setUpFrom: 'callee' } as const;

/** Returns the header lines of a CallStart with these options, which must be valid. */
function headerLines(options: object): string[] {
  const params = commandParams.CallStart.parse({ caller, callee, ...options });
  return inviteCommand(nextHop, 'first', params, features).params.headers.split('\r\n');
}

const lines = [
  `From: <${callee}>`,
  `To: <${caller}>`,
  'Contact: <sip:call-api@10.0.0.1:5060>',
  'Content-Type: application/sdp',
  'CSeq: 1 INVITE',
  'Call-Id: first',
];

describe('the INVITE to the caller’s phone', () => {
  it('is a call from the callee to the caller, so that a phone that takes To as its identity has the caller’s', () => {
    expect(headerLines({})).toEqual([...lines, '']);
    expect(headerLines({ auto_answer: false, headers: {} })).toEqual([...lines, '']);
  });

  it('has the display name in From, quoted, and is otherwise unchanged', () => {
    expect(headerLines({ display: 'Zoë "Ace" O’Neil <b>, 電話' })).toEqual([
      `From: "Zoë \\"Ace\\" O’Neil <b>, 電話" <${callee}>`,
      ...lines.slice(1),
      '',
    ]);
  });

  it('has upstream’s From and To with the setting for that', () => {
    const { headers } = inviteCommand(nextHop, 'first', { caller, callee }, { setUpFrom: 'caller' }).params;
    expect(headers.split('\r\n').slice(0, 2)).toEqual([`From: <${caller}>`, `To: <${callee}>`]);
  });

  it('has the configured transport wherever an address has none', () => {
    const options = { ...features, transport: 'tcp' };
    const { params } = inviteCommand('sip:10.0.0.1', 'first', { caller, callee }, options);
    expect(params).toMatchObject({ ruri: `${caller};transport=tcp`, next_hop: 'sip:10.0.0.1;transport=tcp' });
    expect(params.headers).toContain('Contact: <sip:call-api@10.0.0.1;transport=tcp>');
    const ownTransport = { caller: `${caller};transport=tls`, callee };
    expect(inviteCommand(nextHop, 'first', ownTransport, options).params).toMatchObject({
      ruri: `${caller};transport=tls`,
      next_hop: nextHop,
    });
  });

  it.each([true, 'true'])('requests auto-answer with both headers that phones support: %j', (autoAnswer) => {
    expect(headerLines({ auto_answer: autoAnswer })).toEqual([
      ...lines,
      'Call-Info: <sip:10.0.0.1:5060>;answer-after=0',
      'Alert-Info: <sip:10.0.0.1:5060>;info=alert-autoanswer;delay=0',
      '',
    ]);
  });

  it('has the custom headers last, sorted by name', () => {
    expect(headerLines({ auto_answer: true, headers: { 'X-B': '2', 'X-A': '1' } }).slice(-3)).toEqual([
      'X-A: 1',
      'X-B: 2',
      '',
    ]);
  });

  it.each([
    ['sips:10.0.0.1', 'sips:call-api@10.0.0.1', 'sips:10.0.0.1'],
    ['sip:[2001:db8::1]:5070;lr', 'sip:call-api@[2001:db8::1]:5070', 'sip:[2001:db8::1]:5070'],
  ])('with the next hop %s points to OpenSIPS', (hop, contact, host) => {
    const params = commandParams.CallStart.parse({ caller, callee, auto_answer: true });
    const { headers } = inviteCommand(hop, 'first', params, features).params;
    expect(headers).toContain(`Contact: <${contact}>\r\n`);
    expect(headers).toContain(`Call-Info: <${host}>;`);
  });

  it('has no other header lines, whatever text a client sends', () => {
    const text = fc.string({ unit: 'binary', maxLength: 12 });
    fc.assert(
      fc.property(
        fc.oneof(text, fc.constantFrom('a\\r\\nX-Evil: 1', '"\r\nX-Evil: 1', '\\"', '" <sip:evil@x>')),
        fc.oneof(text, fc.constantFrom('a\\r\\nX-Evil: 1', '\nX-Evil: 1', 'a!b', '!!')),
        (display, value) => {
          const params = commandParams.CallStart.safeParse({
            caller,
            callee,
            display,
            headers: { 'X-A': value },
          });
          fc.pre(params.success);
          const { headers } = inviteCommand(
            nextHop,
            'first',
            params.data ?? { caller, callee },
            features,
          ).params;
          // OpenSIPS converts `\r` and `\n` in text to line ends.
          const parsedLines = headers
            .replaceAll('\\r', '\r')
            .replaceAll('\\n', '\n')
            .split(/\r\n|\r|\n/);
          expect(parsedLines.map((line) => line.split(':')[0])).toEqual([
            'From',
            'To',
            'Contact',
            'Content-Type',
            'CSeq',
            'Call-Id',
            'X-A',
            '',
          ]);
          expect(parsedLines[0]).toMatch(/^From: "(?:[^"\\]|\\.)*" <sip:bob@10\.0\.0\.11>$/u);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
