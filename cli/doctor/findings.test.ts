/** The findings of doctor, each by itself. */
import { expect, it } from 'vitest';
import { EVENT_NAMES } from '../../shared/opensips/evi.ts';
import { EXIT, type Exit } from '../exit.ts';
import type { CommandUpdate } from '../transport/transport.ts';
import { clockFinding } from './clock.ts';
import { diagnoseCredential } from './credential.ts';
import { exitForFindings, type Finding, faulty, passed, unchecked, unreached } from './finding.ts';
import { modulesFinding, subscriptionsFinding, versionFinding } from './opensips.ts';
import { testCallFindings } from './test-call.ts';

const NOW = 1_800_000_000_000;
const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;

it.each([
  [undefined, 'none is set', 'CALL_API_TOKEN'],
  ['ca.k1.api.acme.0123.secret.mac', 'the API key 0123 of acme', 'key list acme'],
  ['ca.k1.adapter.acme.0123.secret.mac', 'adapter key', 'key create acme --role api'],
  ['ca.k1.api.acme', 'incomplete', 'Copy it again'],
  [jwt({ exp: NOW / 1_000 - 1 }), 'expired at 2027', 'call-api token SUBJECT'],
  [jwt({ exp: NOW / 1_000 + 60 }), 'has not expired', 'call-api token SUBJECT'],
  ['hello', 'neither an API key nor a token', 'ca.…'],
])('explains why the credential %s may be refused', (credential, says, mend) => {
  const diagnosis = diagnoseCredential(credential, NOW);
  expect(diagnosis.says).toContain(says);
  expect(diagnosis.mend).toContain(mend);
});

it.each([
  ['OpenSIPS (3.6.8 (x86_64/linux))', 'well'],
  ['OpenSIPS (4.0.1 (x86_64/linux))', 'well'],
  ['OpenSIPS (3.2.9 (x86_64/linux))', 'well'],
  ['OpenSIPS (3.0.4 (x86_64/linux))', 'ill'],
  ['OpenSIPS (2.4.11 (x86_64/linux))', 'ill'],
  ['', 'unknown'],
])('judges the version %s as %s', (version, state) => expect(versionFinding(version).state).toBe(state));

it.each([
  [0, 'well'],
  [30_000, 'well'],
  [-30_000, 'well'],
  [31_000, 'ill'],
  [-3_600_000, 'ill'],
])('judges a clock that is %d ms off as %s', (ms, state) => {
  expect(clockFinding(NOW, NOW + ms, 'the edge').state).toBe(state);
});

it('names each missing module once', () => {
  const missing = ['call_hold', 'call_unhold'].map((command) => ({ module: 'callops', command }));
  expect(modulesFinding(missing).mend).toMatch(/Load callops\.so in/);
  expect(modulesFinding([]).state).toBe('well');
});

it('ignores a subscription that has lapsed', () => {
  const all = EVENT_NAMES.map((event) => ({ event, ttl: 9 }));
  expect(subscriptionsFinding(all)).toMatchObject({ state: 'well', says: expect.stringContaining('9 s') });
  const lapsed = all.map((each, at) => (at === 0 ? { ...each, ttl: 0 } : each));
  expect(subscriptionsFinding(lapsed)).toMatchObject({
    state: 'ill',
    says: expect.stringContaining('E_CALL_TRANSFER'),
  });
});

const failed = (code: number, sentence: string, status?: number): CommandUpdate =>
  ({
    event: 'Error',
    data: sentence,
    error: { code, message: sentence, ...(status === undefined ? {} : { sip: { status, reason: '' } }) },
  }) as CommandUpdate;

it.each([
  ['it rings', ['Started', 'CallerRinging'], undefined, false, 'well', 'well'],
  [
    'it is connected, and an event has arrived',
    ['Started', 'CallerAnswered', 'Transferring'],
    undefined,
    true,
    'well',
    'well',
  ],
  [
    'it is connected, and no event has arrived',
    ['Started', 'CallerAnswered', 'Transferring'],
    undefined,
    false,
    'ill',
    'well',
  ],
  [
    'no dialog',
    ['Started', 'CallerAnswered', 'Error'],
    failed(-32005, '404 Dialog not found'),
    false,
    'unknown',
    'ill',
  ],
  [
    'the INVITE timed out',
    ['Started', 'Error'],
    failed(-32010, '408 Request Timeout', 408),
    false,
    'unknown',
    'ill',
  ],
  ['the script refused it', ['Started', 'Error'], failed(-32010, '404 Not Found', 404), true, 'well', 'well'],
  ['a limit refused it', ['Refused'], failed(-32003, 'too many'), false, 'unknown', 'unknown'],
])('judges a test call: %s', (_, updates, failure, hasEvents, events, loop) => {
  const findings = testCallFindings({ updates, failure }, hasEvents, 'sip:127.0.0.1:5060');
  expect(findings.map(({ state }) => state)).toEqual([events, loop]);
});

it('reports each check that was not reached once, with the reason', () => {
  expect(unreached([passed('edge', 'Fine.')], ['edge', 'clock'], 'no time.')).toEqual([
    { check: 'clock', state: 'unknown', says: 'Not checked: no time.' },
  ]);
});

it.each<[Finding[], Exit]>([
  [[passed('edge', ''), unchecked('loop', '')], EXIT.done],
  [[faulty('clock', '', '')], EXIT.failed],
  [[faulty('clock', '', ''), faulty('token', '', '', EXIT.notAllowed)], EXIT.notAllowed],
  [[faulty('mi', '', '', EXIT.unreachable), faulty('events', '', '')], EXIT.unreachable],
])('exits for %j with %d', (findings, exit) => expect(exitForFindings(findings)).toBe(exit));
