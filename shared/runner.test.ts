import { describe, expect, it } from 'vitest';
import type { EviEvent } from './evi.ts';
import { Runner } from './runner.ts';
import type { Command } from './stored-command.ts';

const surroundings = { callid: 'first', nextHop: 'sip:10.0.0.1' };
const hold = (cmdId = 'one', callid = 'call') => ({
  cmdId,
  method: 'CallHold' as const,
  params: { callid },
  subject: 'tester',
  session: 'tab',
});
const dial = (cmdId = 'one') => ({
  ...hold(cmdId),
  method: 'CallStart' as const,
  params: { caller: 'sip:alice@10.0.0.10', callee: 'sip:bob@10.0.0.11' },
});
const held = (leg: string, state: string, callid = 'call'): EviEvent => ({
  name: 'E_CALL_HOLD',
  params: { callid, leg, action: 'hold', state },
});

/** A runner whose link is up. */
function connected(): Runner {
  const runner = new Runner('epoch', 1, []);
  runner.linkUp('stream', 0);
  return runner;
}

/** What a turn asked for and told, in short. */
function turn(runner: Runner): string[] {
  const { requests, told } = runner.take();
  return [
    ...requests.map(({ id, method }) => `${method} as ${id}`),
    ...told.map(({ command, told: { event } }) => `${command.cmdId} ${event}`),
  ];
}

/** As an object wakes up: from what it has stored. */
function stored(runner: Runner): { position: number; commands: Command[] }[] {
  return JSON.parse(JSON.stringify(runner.take().rows));
}

describe('a request', () => {
  it('carries the epoch, its command and a number: an id that is never used twice', () => {
    const runner = connected();
    runner.start(hold(), surroundings, 0);
    runner.start(hold('two'), surroundings, 0);
    expect(turn(runner)).toEqual(['call_hold as epoch.1.0', 'call_hold as epoch.2.0']);
  });

  it('says how long it may take', () => {
    const runner = connected();
    runner.start(hold(), surroundings, 0);
    expect(runner.take().requests).toEqual([
      {
        type: 'mi',
        id: 'epoch.1.0',
        method: 'call_hold',
        params: { callid: 'call' },
        timeout_ms: 5_000,
        ttl_ms: 5_000,
      },
    ]);
  });

  it('is answered once: a second answer, or one to another epoch, is passed over', () => {
    const runner = connected();
    runner.start(hold(), surroundings, 0);
    runner.take();
    runner.reply({ id: 'other.1.0', result: 'OK' }, 1);
    runner.reply({ id: 'epoch.1.7', result: 'OK' }, 1);
    runner.reply({ id: 'epoch.9.0', result: 'OK' }, 1);
    runner.reply({ id: 'nonsense', result: 'OK' }, 1);
    expect(turn(runner)).toEqual([]);
    runner.reply({ id: 'epoch.1.0', result: 'OK' }, 1);
    expect(turn(runner)).toEqual(['one CallHolding']);
    runner.reply({ id: 'epoch.1.0', error: { code: 480, message: 'Both dialog legs are on hold' } }, 2);
    expect(turn(runner)).toEqual([]);
  });

  it.each([
    ['refused', ['one Error', 'one Ended']],
    ['expired', ['one Error', 'one Ended']],
    ['unreachable', ['one Error', 'one Ended']],
    ['timeout', ['call_hold as epoch.1.1']],
  ] as const)('that the adapter reports as %s: %j', (outcome, told) => {
    const runner = connected();
    runner.start(hold(), surroundings, 0);
    runner.take();
    runner.reply({ id: 'epoch.1.0', outcome }, 1);
    expect(turn(runner)).toEqual(told);
  });

  it('that nobody answers is given up a second after its deadline', () => {
    const runner = connected();
    runner.start(hold(), surroundings, 0);
    runner.take();
    expect(runner.due).toBe(6_000);
    runner.tick(5_999);
    expect(turn(runner)).toEqual([]);
    runner.tick(6_000);
    expect(turn(runner), 'its fate is unknown, so it is asked once more').toEqual(['call_hold as epoch.1.1']);
    runner.tick(12_000);
    expect(turn(runner), 'and then the events tell').toEqual(['one CallHolding']);
  });
});

describe('a link that is down', () => {
  it('lets requests wait, with what is left of their time', () => {
    const runner = new Runner('epoch', 1, []);
    runner.start(hold(), surroundings, 0);
    expect(turn(runner)).toEqual([]);
    runner.linkUp('stream', 3_000);
    expect(runner.take().requests).toMatchObject([{ id: 'epoch.1.0', timeout_ms: 2_000, ttl_ms: 2_000 }]);
  });

  it('that comes back too late leaves them undone', () => {
    const runner = new Runner('epoch', 1, []);
    runner.start(hold(), surroundings, 0);
    runner.linkUp('stream', 5_000);
    expect(turn(runner)).toEqual([]);
    runner.tick(6_000);
    expect(turn(runner)).toEqual(['one Error', 'one Ended']);
  });

  it('and back, to the same process: what it has not answered is sent again, with the same id', () => {
    const runner = connected();
    runner.start(hold(), surroundings, 0);
    runner.take();
    runner.linkDown();
    runner.linkUp('stream', 1_000);
    expect(turn(runner)).toEqual(['call_hold as epoch.1.0']);
  });

  it('and back, to another process: what the old one had is never sent again', () => {
    const runner = connected();
    runner.start(dial(), surroundings, 0);
    runner.take();
    runner.linkDown();
    runner.linkUp('another', 1_000);
    expect(turn(runner), 'the command finds out by asking').toEqual(['dlg_list as epoch.1.1']);
  });
});

describe('an event', () => {
  it('reaches every command about its call, the oldest first, and no other', () => {
    const runner = connected();
    for (const [cmdId, callid] of [
      ['one', 'call'],
      ['two', 'other'],
      ['three', 'call'],
    ] as const) {
      const { id } = runner.start(hold(cmdId, callid), surroundings, 0);
      runner.reply({ id: `epoch.${id}.0`, result: 'OK' }, 0);
    }
    runner.take();
    runner.event(held('caller', 'start'), 0, 1);
    expect(turn(runner)).toEqual(['one CallHoldStart', 'three CallHoldStart']);
  });

  it('about a call that nobody asks for costs nothing', () => {
    const runner = connected();
    runner.start(hold(), surroundings, 0);
    runner.take();
    runner.event(held('caller', 'start', 'unknown'), 0, 1);
    expect(runner.take()).toEqual({ rows: [], requests: [], told: [] });
  });
});

describe('events that may have been missed', () => {
  it('are asked for by every command', () => {
    const runner = connected();
    runner.start(hold('one'), surroundings, 0);
    runner.start(hold('two', 'other'), surroundings, 0);
    runner.take();
    runner.settle(1);
    expect(turn(runner)).toEqual(['dlg_list as epoch.1.1', 'dlg_list as epoch.2.1']);
  });

  it('cost nothing where nothing runs', () => {
    const runner = connected();
    runner.settle(1);
    expect(runner.take()).toEqual({ rows: [], requests: [], told: [] });
  });
});

describe('time', () => {
  it('fires what is due in its order, however late the alarm comes', () => {
    const runner = connected();
    runner.start(dial('one'), surroundings, 0);
    runner.start(hold('two'), surroundings, 0);
    runner.reply({ id: 'epoch.2.0', result: 'OK' }, 0);
    runner.take();
    runner.tick(1_000_000);
    expect(turn(runner), '5 s until a look, 35 s for a hold, 60 s for a caller').toEqual([
      'dlg_list as epoch.1.1',
      'dlg_end_dlg as epoch.1.2',
      'two Error',
      'two Ended',
      'one Error',
    ]);
  });

  it('is due when the next timer is, and never when nothing runs', () => {
    const runner = connected();
    expect(runner.due).toBe(Number.POSITIVE_INFINITY);
    runner.start(dial(), surroundings, 500);
    expect(runner.due).toBe(5_500);
  });

  it('that has not come yet changes nothing', () => {
    const runner = connected();
    runner.start(dial(), surroundings, 0);
    runner.take();
    runner.tick(4_999);
    expect(runner.take().rows).toEqual([]);
  });
});

describe('a CallEnd by cmd_id', () => {
  const end = { ...hold('end'), method: 'CallEnd' as const, params: { callid: 'one' } };

  it('ends the CallStart of that name, and waits for it', () => {
    const runner = connected();
    runner.start(dial(), surroundings, 0);
    runner.start(end, surroundings, 1);
    expect(turn(runner)).toEqual(['t_uac_dlg as epoch.1.0', 'dlg_end_dlg as epoch.1.1', 'one Error']);
    runner.reply({ id: 'epoch.1.1', result: 'OK' }, 2);
    expect(turn(runner)).toEqual(['one Ended', 'end Ended']);
  });

  it('means nobody else’s, even of that name', () => {
    const runner = connected();
    runner.start({ ...dial(), subject: 'somebody else' }, surroundings, 0);
    runner.take();
    runner.start(end, surroundings, 1);
    expect(turn(runner), 'so it must be a Call-ID').toEqual(['dlg_end_dlg as epoch.3.0']);
  });

  it('finds no CallStart that has told `Ended`, though it still looks after a leg', () => {
    const runner = connected();
    runner.start(dial(), surroundings, 0);
    runner.start(end, surroundings, 1);
    runner.reply({ id: 'epoch.1.1', result: 'OK' }, 2);
    runner.take();
    expect(runner.size).toBe(1);
    const { id } = runner.start({ ...end, cmdId: 'again' }, surroundings, 3);
    expect(turn(runner)).toEqual([`dlg_end_dlg as epoch.${id}.0`]);
  });
});

describe('what is stored', () => {
  it('is what a turn changed, in one row, and a turn that changed nothing stores nothing', () => {
    const runner = connected();
    runner.start(hold(), surroundings, 0);
    runner.start(hold('two'), surroundings, 0);
    expect(stored(runner).map(({ commands }) => commands.map(({ cmdId }) => cmdId))).toEqual([
      ['one', 'two'],
    ]);
    expect(stored(runner)).toEqual([]);
  });

  it('holds at most 50 commands a row', () => {
    const runner = connected();
    for (let at = 0; at < 125; at++) runner.start(hold(`${at}`), surroundings, 0);
    expect(stored(runner).map(({ commands }) => commands.length)).toEqual([50, 50, 25]);
  });

  it('has the process to which a request was given, before it is sent', () => {
    const runner = new Runner('epoch', 1, []);
    runner.start(hold(), surroundings, 0);
    expect(stored(runner)[0]?.commands[0]?.pending['hold']?.stream).toBeUndefined();
    runner.linkUp('stream', 1);
    expect(stored(runner)[0]?.commands[0]?.pending['hold']?.stream).toBe('stream');
  });

  it('is enough to go on: a link that still stands is not asked twice, and answers find their command', () => {
    const runner = connected();
    runner.start(hold(), surroundings, 0);
    const [row] = stored(runner);
    const awake = new Runner('epoch', 10, row?.commands ?? []);
    awake.linkStands('stream');
    expect(turn(awake)).toEqual([]);
    expect(awake.due).toBe(6_000);
    awake.reply({ id: 'epoch.1.0', result: 'OK' }, 1);
    expect(turn(awake)).toEqual(['one CallHolding']);
    awake.event(held('caller', 'start'), 2, 2);
    expect(turn(awake)).toEqual(['one CallHoldStart']);
  });

  it('has a command that has ended once more, then it is forgotten', () => {
    const runner = connected();
    runner.start({ ...hold(), method: 'Echo', params: {} }, surroundings, 0);
    const [row] = stored(runner);
    expect(row?.commands[0]).toMatchObject({ cmdId: 'one', state: null });
    expect(row?.commands[0]?.told.map(({ event }) => event)).toEqual(['Reply', 'Ended']);
    expect(runner.size).toBe(0);
    expect(runner.find('tester', 'one')).toBeUndefined();
  });

  it('never lies further back than waking up should read: a long call is stored anew', () => {
    const runner = connected();
    runner.start(dial('long'), surroundings, 0);
    let [row] = stored(runner);
    let now = row?.position ?? 0;
    for (let at = 0; at < 2_000; at++) {
      runner.start({ ...hold(`${at}`), method: 'Echo', params: {} }, surroundings, 0);
      const [next] = stored(runner);
      now = next?.position ?? now;
      if (next?.commands.some(({ cmdId }) => cmdId === 'long')) row = next;
      expect(now - runner.floor(now)).toBeLessThan(2_100);
    }
    expect(runner.floor(now)).toBe(row?.position);
  });
});

describe('a command that is taken up by another session', () => {
  it('is told there from the beginning, then live', () => {
    const runner = connected();
    const command = runner.start(hold(), surroundings, 0);
    runner.reply({ id: 'epoch.1.0', result: 'OK' }, 1);
    runner.take();
    runner.retell(command, 'another tab');
    runner.event(held('caller', 'start'), 2, 2);
    const { told } = runner.take();
    expect(told.map((each) => [each.command.session, each.told.event])).toEqual([
      ['another tab', 'CallHolding'],
      ['another tab', 'CallHoldStart'],
    ]);
  });
});

describe('numbers', () => {
  it('of commands, notifications and rows come from one row of numbers, which only rises', () => {
    const runner = connected();
    runner.start({ ...hold(), method: 'Echo', params: {} }, surroundings, 0);
    const { rows, told } = runner.take();
    expect(rows[0]?.commands[0]?.id).toBe(1);
    expect(told.map((each) => each.told.seq)).toEqual([2, 3]);
    expect(rows[0]?.position).toBe(4);
  });
});

describe('what runs is counted', () => {
  const counts = (runner: Runner) => [
    runner.inFlight('tester', 'tab'),
    runner.inFlight('tester', 'other'),
    runner.starts,
  ];

  it('for each session, and CallStarts for all, until each is over and through a sleep', () => {
    const runner = connected();
    runner.start(hold(), surroundings, 0);
    runner.start({ ...dial('two'), session: 'other' }, surroundings, 0);
    runner.start({ ...hold('three'), method: 'Echo', params: {} }, surroundings, 0);
    expect(counts(runner)).toEqual([1, 1, 1]);
    const commands = stored(runner).flatMap((row) => row.commands.filter(({ state }) => state));
    const awake = new Runner('epoch', 20, commands);
    awake.linkStands('stream');
    expect(counts(awake)).toEqual([1, 1, 1]);
    awake.reply({ id: 'epoch.1.0', error: { code: 404, message: 'not found' } }, 1);
    awake.reply({ id: 'epoch.2.0', result: { Status: '486 Busy Here' } }, 1);
    expect(counts(awake)).toEqual([0, 0, 0]);
  });

  it('a command that another session takes up counts there', () => {
    const runner = connected();
    const command = runner.start(hold(), surroundings, 0);
    runner.retell(command, 'other');
    runner.retell(command, 'other');
    expect(counts(runner)).toEqual([0, 1, 0]);
    runner.reply({ id: 'epoch.1.0', error: { code: 404, message: 'not found' } }, 1);
    expect(counts(runner)).toEqual([0, 0, 0]);
    runner.retell(command, 'tab');
    expect(counts(runner)).toEqual([0, 0, 0]);
  });
});

it('works with what it is given instead of its params, and is known by its params', () => {
  const runner = connected();
  const command = runner.start(hold('one', 'theirs'), { ...surroundings, instead: { callid: 'nobodys' } }, 0);
  expect(command.params).toEqual({ callid: 'theirs' });
  expect(runner.take().requests).toMatchObject([{ params: { callid: 'nobodys' } }]);
  expect([...runner.following('nobodys')]).toEqual([command]);
  expect([...runner.following('theirs')]).toEqual([]);
});

it('whoever listens hears what is told, in order, once', () => {
  const heard: string[] = [];
  const runner = new Runner('epoch', 1, [], ({ cmdId }, { event }) => heard.push(`${cmdId} ${event}`));
  const command = runner.start({ ...hold(), method: 'Echo', params: {} }, surroundings, 0);
  runner.retell(command, 'other');
  expect(heard).toEqual(['one Reply', 'one Ended']);
});
