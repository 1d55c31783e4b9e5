/** The checks of the shipped client detect what they are meant to: each kind of violation is given to them once. */
import { describe, expect, it } from 'vitest';
import type { Call, Change, CommandEvent, Method } from '../../../client/index.ts';
import { Ledger } from '../../../simulator/opensips/ledger.ts';
import type { CommandRun } from '../harness/shipped-client.ts';
import { checkPromises } from './promises.ts';
import { WatchedCalls } from './watched-calls.ts';

const updates = (...events: (string | object)[]) =>
  events.map((event, seq) => (typeof event === 'string' ? { event, seq } : event)) as CommandEvent<Method>[];
const ERROR = { event: 'Error', seq: 1, error: { code: -32010, message: 'Refused' } };
const LOST = { code: -32013, event: 'Lost' } as const;
const REFUSED = { code: -32602, event: 'Refused' } as const;
const RESULT = { callid: 'c' };

const run = (details: Partial<CommandRun>): CommandRun => ({
  method: 'CallEnd',
  cmdId: 'c',
  startedAt: 1_000,
  firstAt: 1_100,
  updates: updates('Started', 'Ended'),
  isIterated: true,
  settledAt: 2_000,
  ...details,
});

describe('the check of the promises of a command', () => {
  const rejected = (error: typeof LOST | typeof REFUSED) => ({ error, iterationError: error });
  it.each<[string, Partial<CommandRun>, RegExp | undefined]>([
    ['accepts a result', { result: RESULT }, undefined],
    [
      'accepts a failure',
      { updates: updates('Started', ERROR, 'Ended'), error: { code: -32010, event: 'Error' } },
      undefined,
    ],
    ['accepts a refusal', { updates: [], ...rejected(REFUSED) }, undefined],
    ['accepts a loss', { updates: updates('Started', 'Ringing'), ...rejected(LOST) }, undefined],
    ['rejects one that is silent', { firstAt: 0, settledAt: 0, updates: [], isIterated: false }, /neither/],
    ['rejects a late first event', { result: RESULT, firstAt: 37_000 }, /came after 36000 ms/],
    ['rejects an end that is not told', { settledAt: 0, isIterated: false }, /not settled after Ended/],
    ['rejects an iteration that goes on', { result: RESULT, isIterated: false }, /iteration is not over/],
    ['rejects steps before Started', { result: RESULT, updates: updates('Ringing', 'Ended') }, /begin with/],
    [
      'rejects an end without Ended',
      { result: RESULT, updates: updates('Started') },
      /settled after Started/,
    ],
    ['rejects a loss after Ended', rejected(LOST), /Lost after Started Ended/],
    [
      'rejects a refusal after Started',
      { updates: updates('Started'), ...rejected(REFUSED) },
      /refused after/,
    ],
    ['rejects a loss that only ended tells', { updates: updates('Started'), error: LOST }, /differ/],
    [
      'rejects a failure that is told as success',
      { result: RESULT, updates: updates('Started', ERROR, 'Ended') },
      /rejected with nothing/,
    ],
    ['rejects a success without a result', {}, /without a result/],
    ['rejects an error of another class', { error: { code: 0, data: 'TypeError' } }, /another class/],
  ])('%s', (_, details, expected) => {
    const found = checkPromises([run(details)], new Ledger(true), () => undefined);
    if (expected) expect(found.join('\n')).toMatch(expected);
    else expect(found).toEqual([]);
  });

  it('rejects a command that was sent after all', () => {
    const ledger = new Ledger(true);
    ledger.addRequest({ id: '1', receivedAt: 0, method: 't_uac_dlg', params: { ruri: 'sip:keep.1@host' } });
    const error = { code: -32012, event: 'Lost' } as const;
    const lost = run({ updates: [], error, iterationError: error });
    expect(checkPromises([lost], ledger, () => 'keep.1')).toEqual([
      'CallEnd c: is said not to have been sent, but OpenSIPS has got t_uac_dlg',
    ]);
    expect(checkPromises([lost], ledger, () => 'keep.2')).toEqual([]);
  });
});

describe('the check of a watch', () => {
  const call = (callid: string, seq: number, state = 'answered') => ({ callid, seq, state }) as Call;
  const snapshot = (calls: Call[], rest = {}): Change => ({
    type: 'snapshot',
    calls,
    link: 'Up',
    seq: 10,
    ...rest,
  });
  const change = (changed: Call): Change => ({
    type: 'call',
    event: 'Answered',
    call: changed,
    seq: changed.seq,
  });
  const follow = (...changes: Change[]) => {
    const watched = new WatchedCalls();
    for (const each of changes) watched.onChange(each);
    return watched;
  };

  it('accepts a list that is complete and equal', () => {
    const watched = follow(
      snapshot([call('a', 1)], { hasMore: true }),
      change(call('b', 11)),
      change(call('c', 12, 'ended')),
      { type: 'resumed' },
      // Older than the changes.
      { type: 'page', calls: [call('b', 2), call('c', 3)] },
    );
    expect(watched.violations).toEqual([]);
    expect(watched.counts).toEqual({ whole: 0, paged: 1, resumedWithin: 1 });
    expect(watched.differencesFrom([call('b', 11), call('a', 1)])).toEqual([]);
  });

  it.each<[string, WatchedCalls, string]>([
    ['incomplete', follow(snapshot([], { hasMore: true })), 'the list is said to be incomplete'],
    ['without a call', follow(snapshot([])), 'a (answered, 5) is missing'],
    ['with an old state', follow(snapshot([call('a', 4)])), 'a (answered, 4) is a (answered, 5) in CallList'],
    [
      'with another call',
      follow(snapshot([call('a', 5), call('b', 6)])),
      'b (answered, 6) is not in CallList',
    ],
  ])('finds a list %s', (_, watched, expected) => {
    expect(watched.differencesFrom([call('a', 5)])).toEqual([expected]);
  });

  it.each<[string, Change[], RegExp]>([
    ['a change twice', [snapshot([]), change(call('a', 11)), change(call('a', 11))], /change 11 after 11/],
    ['a change that the snapshot has', [snapshot([]), change(call('a', 10))], /change 10 after 10/],
    ['a change before the snapshot', [change(call('a', 1))], /before the first snapshot/],
    [
      'a link change from the future',
      [snapshot([]), { type: 'link', link: 'Down', seq: 14 }, change(call('a', 12))],
      /change 12 after 14/,
    ],
    ['a page of a whole snapshot', [snapshot([]), { type: 'page', calls: [] }], /a page follows/],
    ['a second snapshot that is no reset', [snapshot([]), snapshot([])], /although there was a snapshot/],
    ['a resumption of nothing', [{ type: 'resumed' }], /resumed before/],
  ])('finds %s', (_, changes, expected) => {
    expect(follow(...changes).violations.join('\n')).toMatch(expected);
  });
});
