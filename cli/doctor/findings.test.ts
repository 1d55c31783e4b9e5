/** The findings of doctor, each by itself. */
import { expect, it } from 'vitest';
import { EVENT_NAMES } from '../../shared/opensips/evi.ts';
import { EXIT, type Exit } from '../exit.ts';
import type { CommandUpdate } from '../transport/transport.ts';
import { clockFinding } from './clock.ts';
import { diagnoseCredential } from './credential.ts';
import { engineFinding } from './engine.ts';
import { exitForFindings, type Finding, faulty, passed, unchecked, unreached } from './finding.ts';
import { modulesFinding, subscriptionsFinding, versionFinding } from './opensips.ts';
import { phoneFinding } from './phone.ts';
import {
  challengeFinding,
  firstLegFinding,
  notifyFinding,
  ownLoopFinding,
  pingingFinding,
} from './script-findings.ts';
import { testCallFindings, transferEvidence } from './test-call.ts';

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

it('takes a refused REFER for a call that has passed the script', () => {
  const result = {
    updates: ['Started', 'CallerAnswered', 'Error'],
    failure: failed(-32010, 'transfer failed with status 603 Decline', 603),
  };
  const [, loop] = testCallFindings(result, true, 'sip:127.0.0.1:5060');
  expect(loop.says).toContain('passes the routing script');
  expect(phoneFinding(undefined, transferEvidence(result))).toMatchObject({
    state: 'ill',
    says: expect.stringContaining('603 Decline'),
  });
});

it.each<[string, Parameters<typeof engineFinding>, Finding['state'], string]>([
  ['3.6', ['OpenSIPS (3.6.8 (x86_64/linux))', { refer: true, hold: true }, true], 'well', 'REFER'],
  ['3.4', ['OpenSIPS (3.4.18 (x86_64/linux))', { refer: false, hold: true }, true], 'well', 'cannot send'],
  ['3.6 without the command', ['OpenSIPS (3.6.8 (x))', undefined, false], 'ill', 'crash'],
  ['3.6 with --engine callops', ['OpenSIPS (3.6.8 (x))', undefined, true], 'ill', 'crash'],
  ['4.0 with --engine callops', ['OpenSIPS (4.0.1 (x))', undefined, true], 'well', 'callops'],
  ['4.0 without the command', ['OpenSIPS (4.0.1 (x))', undefined, false], 'ill', 'one attempt'],
  ['3.2', ['OpenSIPS (3.2.9 (x))', undefined, undefined], 'ill', 'crash'],
  ['2.4', ['OpenSIPS (2.4.11 (x))', undefined, false], 'unknown', 'too old'],
  ['an unknown version', ['', undefined, undefined], 'unknown', 'not known'],
])('judges how transfers are sent by %s', (_, args, state, says) => {
  expect(engineFinding(...args)).toMatchObject({ state, says: expect.stringContaining(says) });
});

const NO_EVIDENCE = { refusal: undefined, hasAccepted: false };
it.each<[string, Parameters<typeof phoneFinding>, Finding['state']]>([
  ['allows REFER', [{ status: '200 OK', allow: ['INVITE', 'REFER'] }, NO_EVIDENCE], 'well'],
  ['does not allow REFER', [{ status: '200 OK', allow: ['INVITE', 'BYE'] }, NO_EVIDENCE], 'ill'],
  ['does not say', [{ status: '200 OK', allow: undefined }, NO_EVIDENCE], 'unknown'],
  ['is not registered', [{ status: '404 Not Found', allow: undefined }, NO_EVIDENCE], 'unknown'],
  [
    'accepts what it does not allow',
    [
      { status: '200 OK', allow: ['INVITE'] },
      { refusal: undefined, hasAccepted: true },
    ],
    'well',
  ],
  [
    'refuses what it allows',
    [
      { status: '200 OK', allow: ['REFER'] },
      { refusal: '603 Decline', hasAccepted: false },
    ],
    'ill',
  ],
])('judges a phone that %s', (_, args, state) => expect(phoneFinding(...args).state).toBe(state));

const FIRST_LEG = { outcome: '200 OK', isAnswered: true, hasDialog: true, notify: 200, bye: 200 };
it.each([
  ['that is right', FIRST_LEG, 'well', 'well'],
  ['that makes no dialog', { ...FIRST_LEG, hasDialog: false }, 'ill', 'well'],
  ['that relays to itself', { ...FIRST_LEG, notify: 483, bye: 483 }, 'well', 'ill'],
  ['that does not answer NOTIFY', { ...FIRST_LEG, notify: undefined }, 'well', 'ill'],
  ['that refuses NOTIFY', { ...FIRST_LEG, notify: 488 }, 'well', 'well'],
  ['that refuses BYE', { ...FIRST_LEG, bye: 404 }, 'well', 'ill'],
  [
    'that refuses the call',
    { ...FIRST_LEG, outcome: '403 Forbidden', isAnswered: false },
    'unknown',
    'unknown',
  ],
])('judges the first leg in a script %s', (_, firstLeg, loop, requests) => {
  expect(ownLoopFinding(firstLeg, 'sip:127.0.0.1:5060').state).toBe(loop);
  expect(firstLegFinding(firstLeg).state).toBe(requests);
});

const RELAYED = { refer: 202, status: 200, hasReachedOther: true };
const ANSWERED = { status: 200, hasReachedOther: false };
it.each<[string, Parameters<typeof notifyFinding>[0], Finding['state']]>([
  ['is safe', { ofApi: ANSWERED, ofPhone: RELAYED }, 'well'],
  ['is safe, as far as OpenSIPS 3.4 shows it', { ofApi: undefined, ofPhone: RELAYED }, 'well'],
  [
    'swallows',
    { ofApi: undefined, ofPhone: { refer: 202, status: undefined, hasReachedOther: false } },
    'ill',
  ],
  ['answers all', { ofApi: ANSWERED, ofPhone: { refer: 202, ...ANSWERED } }, 'ill'],
  ['relays all', { ofApi: { status: 481, hasReachedOther: true }, ofPhone: RELAYED }, 'ill'],
  ['refuses REFER', { ofApi: undefined, ofPhone: { ...RELAYED, refer: 403 } }, 'unknown'],
  ['does not answer REFER', { ofApi: undefined, ofPhone: { ...RELAYED, refer: undefined } }, 'unknown'],
])('judges the NOTIFYs of a script that %s', (_, notifications, state) => {
  expect(notifyFinding(notifications).state).toBe(state);
});

it.each<[string, Parameters<typeof challengeFinding>[0], Finding['state']]>([
  ['before create_dialog()', [{ status: 401, hasDialog: false }], 'well'],
  [
    'after create_dialog()',
    [
      { status: 407, hasDialog: true },
      { status: 407, hasDialog: false },
    ],
    'ill',
  ],
  ['never', [{ status: 200, hasDialog: true }], 'unknown'],
  ['without a response', [{ status: undefined, hasDialog: false }], 'unknown'],
])('judges a script that asks for the password %s', (_, challenges, state) => {
  expect(challengeFinding(challenges).state).toBe(state);
});

it.each([
  ['none', { endedByOptions: false, endedByReinvite: false, areRefused: true }, 'well', 'goes on'],
  ['OPTIONS', { endedByOptions: true, endedByReinvite: false, areRefused: true }, 'ill', 'by OPTIONS.'],
  ['both', { endedByOptions: true, endedByReinvite: true, areRefused: true }, 'ill', 'OPTIONS and re-INVITE'],
  [
    'unknown',
    { endedByOptions: false, endedByReinvite: false, areRefused: false },
    'unknown',
    'did not reach',
  ],
])('judges pinging: %s', (_, pinging, state, says) => {
  expect(pingingFinding(pinging)).toMatchObject({ state, says: expect.stringContaining(says) });
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
