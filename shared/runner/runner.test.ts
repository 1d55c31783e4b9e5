import { describe, expect, it } from 'vitest';
import type { EviEvent } from '../opensips/evi.ts';
import { featuresOf } from '../opensips/features.ts';
import { byteLength } from '../protocol/byte-length.ts';
import { Runner } from './runner.ts';
import type { Command } from './stored-command.ts';

const options = { callid: 'first', nextHop: 'sip:10.0.0.1' };
/** With these a CallHold ends as it starts: both legs are on hold, and no request is needed to know it. */
const alreadyHeld = {
  ...options,
  features: { ...featuresOf(), inDialog: { refer: true, hold: true, timeout_ms: 30_000 } },
  heldLegs: () => ['caller', 'callee'] as const,
};
const holdCommand = (cmdId = 'one', callid = 'call') => ({
  cmdId,
  method: 'CallHold' as const,
  params: { callid },
  subject: 'tester',
  session: 'tab',
});
const callStart = (cmdId = 'one') => ({
  ...holdCommand(cmdId),
  method: 'CallStart' as const,
  params: { caller: 'sip:alice@10.0.0.10', callee: 'sip:bob@10.0.0.11' },
});
const holdEvent = (leg: string, state: string, callid = 'call'): EviEvent => ({
  name: 'E_CALL_HOLD',
  params: { callid, leg, action: 'hold', state },
});

/** Returns a runner whose link is up. */
function connectedRunner(): Runner {
  const runner = new Runner('epoch', 1, []);
  runner.onLinkUp('stream', 0);
  return runner;
}

/** Takes the output of a turn: a line for each request and each notification. */
function takeTurn(runner: Runner): string[] {
  const { requests, notifications } = runner.takeOutput();
  return [
    ...requests.map(({ id, method }) => `${method} as ${id}`),
    ...notifications.map(({ command, notification: { event } }) => `${command.cmdId} ${event}`),
  ];
}

/** Takes the rows to store, as JSON restores them. */
function takeStoredRows(runner: Runner): { position: number; commands: Command[] }[] {
  return JSON.parse(JSON.stringify(runner.takeOutput().rows));
}

describe('a request', () => {
  it('has an unused id: the epoch, the id of its command, and a number', () => {
    const runner = connectedRunner();
    runner.start(holdCommand(), options, 0);
    runner.start(holdCommand('two'), options, 0);
    expect(takeTurn(runner)).toEqual(['call_hold as epoch.1.0', 'call_hold as epoch.2.0']);
  });

  it('has its time limits', () => {
    const runner = connectedRunner();
    runner.start(holdCommand(), options, 0);
    expect(runner.takeOutput().requests).toEqual([
      {
        type: 'mi',
        id: 'epoch.1.0',
        method: 'call_hold',
        params: { callid: 'call' },
        timeout_ms: 5_000,
        ttl_ms: 5_000,
        stream: 'stream',
        sent_at: 0,
      },
    ]);
  });

  it('has one reply: a second one, or one for another epoch, is ignored', () => {
    const runner = connectedRunner();
    runner.start(holdCommand(), options, 0);
    runner.takeOutput();
    runner.onReply({ id: 'other.1.0', result: 'OK' }, 1);
    runner.onReply({ id: 'epoch.1.7', result: 'OK' }, 1);
    runner.onReply({ id: 'epoch.9.0', result: 'OK' }, 1);
    runner.onReply({ id: 'invalid', result: 'OK' }, 1);
    expect(takeTurn(runner)).toEqual([]);
    runner.onReply({ id: 'epoch.1.0', result: 'OK' }, 1);
    expect(takeTurn(runner)).toEqual(['one CallHolding']);
    runner.onReply({ id: 'epoch.1.0', error: { code: 480, message: 'Both dialog legs are on hold' } }, 2);
    expect(takeTurn(runner)).toEqual([]);
  });

  it.each([
    ['refused', ['one Error', 'one Ended']],
    ['expired', ['one Error', 'one Ended']],
    ['unreachable', ['one Error', 'one Ended']],
    ['timeout', ['call_hold as epoch.1.1']],
  ] as const)('with the outcome %s leads to %j', (outcome, output) => {
    const runner = connectedRunner();
    runner.start(holdCommand(), options, 0);
    runner.takeOutput();
    runner.onReply({ id: 'epoch.1.0', outcome }, 1);
    expect(takeTurn(runner)).toEqual(output);
  });

  it('without a reply expires a second after its deadline', () => {
    const runner = connectedRunner();
    runner.start(holdCommand(), options, 0);
    runner.takeOutput();
    expect(runner.nextDue).toBe(6_000);
    runner.fireDueTimers(5_999);
    expect(takeTurn(runner)).toEqual([]);
    runner.fireDueTimers(6_000);
    expect(takeTurn(runner), 'it may have run, so it is sent once more').toEqual(['call_hold as epoch.1.1']);
    runner.fireDueTimers(12_000);
    expect(takeTurn(runner), 'and then the events decide').toEqual(['one CallHolding']);
  });
});

describe('while the link is down', () => {
  it('requests wait, and are sent with the rest of their time', () => {
    const runner = new Runner('epoch', 1, []);
    runner.start(holdCommand(), options, 0);
    expect(takeTurn(runner)).toEqual([]);
    runner.onLinkUp('stream', 3_000);
    expect(runner.takeOutput().requests).toMatchObject([
      { id: 'epoch.1.0', timeout_ms: 2_000, ttl_ms: 2_000 },
    ]);
  });

  it('requests expire, and are not sent when the link is back', () => {
    const runner = new Runner('epoch', 1, []);
    runner.start(holdCommand(), options, 0);
    runner.onLinkUp('stream', 5_000);
    expect(takeTurn(runner)).toEqual([]);
    runner.fireDueTimers(6_000);
    expect(takeTurn(runner)).toEqual(['one Error', 'one Ended']);
  });

  it('what is answered in the turn of the connection is not sent again: a knock has its hello and the reply in one frame', () => {
    const runner = connectedRunner();
    runner.start(holdCommand(), options, 0);
    runner.start(holdCommand('two'), options, 0);
    takeTurn(runner);
    runner.onLinkDown();
    runner.onLinkUp('stream', 1_000);
    runner.onReply({ id: 'epoch.1.0', result: 'OK' }, 1_000);
    expect(runner.takeOutput().requests.map(({ id }) => id)).toEqual(['epoch.2.0']);
  });

  it('nothing is lost: the same adapter process gets the pending requests again, with the same ids', () => {
    const runner = connectedRunner();
    runner.start(holdCommand(), options, 0);
    runner.takeOutput();
    runner.onLinkDown();
    runner.onLinkUp('stream', 1_000);
    expect(takeTurn(runner)).toEqual(['call_hold as epoch.1.0']);
  });

  it('an adapter may restart: the new process never gets the requests of the old one', () => {
    const runner = connectedRunner();
    runner.start(callStart(), options, 0);
    runner.takeOutput();
    runner.onLinkDown();
    runner.onLinkUp('another', 1_000);
    expect(takeTurn(runner), 'the command reads the dialog instead').toEqual(['dlg_list as epoch.1.1']);
  });
});

describe('an event', () => {
  it('reaches the commands that follow its call, the oldest first, and no others', () => {
    const runner = connectedRunner();
    for (const [cmdId, callid] of [
      ['one', 'call'],
      ['two', 'other'],
      ['three', 'call'],
    ] as const) {
      const { id } = runner.start(holdCommand(cmdId, callid), options, 0);
      runner.onReply({ id: `epoch.${id}.0`, result: 'OK' }, 0);
    }
    runner.takeOutput();
    runner.onEvent(holdEvent('caller', 'start'), 0, 1);
    expect(takeTurn(runner)).toEqual(['one CallHoldStart', 'three CallHoldStart']);
  });

  it('of a call that no command follows costs nothing', () => {
    const runner = connectedRunner();
    runner.start(holdCommand(), options, 0);
    runner.takeOutput();
    runner.onEvent(holdEvent('caller', 'start', 'unknown'), 0, 1);
    expect(runner.takeOutput()).toEqual({ rows: [], requests: [], notifications: [] });
  });
});

describe('a resync', () => {
  it('makes every command read its dialogs', () => {
    const runner = connectedRunner();
    runner.start(holdCommand('one'), options, 0);
    runner.start(holdCommand('two', 'other'), options, 0);
    runner.takeOutput();
    runner.resync(1);
    expect(takeTurn(runner)).toEqual(['dlg_list as epoch.1.1', 'dlg_list as epoch.2.1']);
  });

  it('costs nothing if no command runs', () => {
    const runner = connectedRunner();
    runner.resync(1);
    expect(runner.takeOutput()).toEqual({ rows: [], requests: [], notifications: [] });
  });
});

describe('timers', () => {
  it('fire in order, however late the alarm is', () => {
    const runner = connectedRunner();
    runner.start(callStart('one'), options, 0);
    runner.start(holdCommand('two'), options, 0);
    runner.onReply({ id: 'epoch.2.0', result: 'OK' }, 0);
    runner.takeOutput();
    runner.fireDueTimers(1_000_000);
    expect(takeTurn(runner), '5 s until a dialog is read, 35 s for a hold, 60 s for the caller').toEqual([
      'dlg_list as epoch.1.1',
      'dlg_end_dlg as epoch.1.2',
      'two Error',
      'two Ended',
      'one Error',
    ]);
  });

  it('determine the next due time, which is never if no command runs', () => {
    const runner = connectedRunner();
    expect(runner.nextDue).toBe(Number.POSITIVE_INFINITY);
    runner.start(callStart(), options, 500);
    expect(runner.nextDue).toBe(5_500);
  });

  it('do not fire early', () => {
    const runner = connectedRunner();
    runner.start(callStart(), options, 0);
    runner.takeOutput();
    runner.fireDueTimers(4_999);
    expect(runner.takeOutput().rows).toEqual([]);
  });
});

describe('a CallEnd with a cmd_id', () => {
  const end = { ...holdCommand('end'), method: 'CallEnd' as const, params: { callid: 'one' } };

  it('cancels the CallStart with this cmd_id, and waits for its end', () => {
    const runner = connectedRunner();
    runner.start(callStart(), options, 0);
    runner.start(end, options, 1);
    expect(takeTurn(runner)).toEqual(['t_uac_dlg as epoch.1.0', 'dlg_end_dlg as epoch.1.1', 'one Error']);
    runner.onReply({ id: 'epoch.1.1', result: 'OK' }, 2);
    expect(takeTurn(runner)).toEqual(['one Ended', 'end Ended']);
  });

  it('does not cancel a CallStart of another subject', () => {
    const runner = connectedRunner();
    runner.start({ ...callStart(), subject: 'another' }, options, 0);
    runner.takeOutput();
    runner.start(end, options, 1);
    expect(takeTurn(runner), 'it is taken as a Call-ID').toEqual(['dlg_end_dlg as epoch.3.0']);
  });

  it('does not cancel a CallStart that has sent `Ended`, though it is still ending a leg', () => {
    const runner = connectedRunner();
    runner.start(callStart(), options, 0);
    runner.start(end, options, 1);
    runner.onReply({ id: 'epoch.1.1', result: 'OK' }, 2);
    runner.takeOutput();
    expect(runner.size).toBe(1);
    const { id } = runner.start({ ...end, cmdId: 'second end' }, options, 3);
    expect(takeTurn(runner)).toEqual([`dlg_end_dlg as epoch.${id}.0`]);
  });
});

describe('the log', () => {
  it('gets one row with the changes of a turn, and none if nothing has changed', () => {
    const runner = connectedRunner();
    runner.start(holdCommand(), options, 0);
    runner.start(holdCommand('two'), options, 0);
    expect(takeStoredRows(runner).map(({ commands }) => commands.map(({ cmdId }) => cmdId))).toEqual([
      ['one', 'two'],
    ]);
    expect(takeStoredRows(runner)).toEqual([]);
  });

  it.each(['a', '電'])(
    'has rows of 128 KB at most, or a single command, in the order of the commands (%s)',
    (letter) => {
      const runner = connectedRunner();
      const ids = [...Array(200).keys()].map(String);
      for (const [n, id] of ids.entries()) {
        // Three in four have the longest Call-IDs there are.
        const [callidA, callidB] = n % 4 === 0 ? ['a', 'b'] : [letter.repeat(4_000), letter.repeat(4_096)];
        const params = { callidA, legA: 'caller', callidB, legB: 'callee' };
        const method = 'CallAttendedTransfer' as const;
        runner.start({ ...holdCommand(id), method, params, callids: [callidA, callidB] }, options, 0);
      }
      const rows = takeStoredRows(runner);
      expect(rows.flatMap(({ commands }) => commands.map(({ cmdId }) => cmdId))).toEqual(ids);
      for (const { commands } of rows)
        if (commands.length > 1) expect(byteLength(JSON.stringify(commands))).toBeLessThan(132_000);
      expect(rows.length).toBeLessThan(200);
    },
  );

  it('has two rows for a hundred usual commands', () => {
    const runner = connectedRunner();
    for (let n = 0; n < 100; n++) runner.start(holdCommand(`${n}`), options, 0);
    expect(takeStoredRows(runner)).toHaveLength(2);
  });

  it('has the adapter process of a request before the request is sent', () => {
    const runner = new Runner('epoch', 1, []);
    runner.start(holdCommand(), options, 0);
    expect(takeStoredRows(runner)[0]?.commands[0]?.pendingRequests['hold']?.stream).toBeUndefined();
    runner.onLinkUp('stream', 1);
    expect(takeStoredRows(runner)[0]?.commands[0]?.pendingRequests['hold']?.stream).toBe('stream');
  });

  it('suffices for a restore: requests are not repeated while the link is up, and replies find their commands', () => {
    const runner = connectedRunner();
    runner.start(holdCommand(), options, 0);
    const [row] = takeStoredRows(runner);
    const restored = new Runner('epoch', 10, row?.commands ?? []);
    restored.onLinkRestored('stream');
    expect(takeTurn(restored)).toEqual([]);
    expect(restored.nextDue).toBe(6_000);
    restored.onReply({ id: 'epoch.1.0', result: 'OK' }, 1);
    expect(takeTurn(restored)).toEqual(['one CallHolding']);
    restored.onEvent(holdEvent('caller', 'start'), 2, 2);
    expect(takeTurn(restored)).toEqual(['one CallHoldStart']);
  });

  it('gets a final copy of an ended command, which is then forgotten', () => {
    const runner = connectedRunner();
    runner.start(holdCommand(), alreadyHeld, 0);
    const [row] = takeStoredRows(runner);
    expect(row?.commands[0]).toMatchObject({ cmdId: 'one', state: null });
    expect(row?.commands[0]?.notifications.map(({ event }) => event)).toEqual(['Error', 'Ended']);
    expect(runner.size).toBe(0);
    expect(runner.find('tester', 'one')).toBeUndefined();
  });

  it('never has to be read far back: a long-running command is stored again', () => {
    const runner = connectedRunner();
    runner.start(callStart('long'), options, 0);
    let [row] = takeStoredRows(runner);
    let position = row?.position ?? 0;
    for (let n = 0; n < 2_000; n++) {
      runner.start(holdCommand(`${n}`), alreadyHeld, 0);
      const [next] = takeStoredRows(runner);
      position = next?.position ?? position;
      if (next?.commands.some(({ cmdId }) => cmdId === 'long')) row = next;
      expect(position - runner.restoreFrom(position)).toBeLessThan(2_100);
    }
    expect(runner.restoreFrom(position)).toBe(row?.position);
  });
});

describe('a command that another session takes over', () => {
  it('sends all its notifications to that session, and later ones as well', () => {
    const runner = connectedRunner();
    const command = runner.start(holdCommand(), options, 0);
    runner.onReply({ id: 'epoch.1.0', result: 'OK' }, 1);
    runner.takeOutput();
    runner.resendNotifications(command, 'another tab');
    runner.onEvent(holdEvent('caller', 'start'), 2, 2);
    const { notifications } = runner.takeOutput();
    expect(notifications.map(({ command, notification }) => [command.session, notification.event])).toEqual([
      ['another tab', 'CallHolding'],
      ['another tab', 'CallHoldStart'],
    ]);
  });
});

describe('a command that is repeated in another session', () => {
  const sentTo = (runner: Runner) =>
    runner.takeOutput().notifications.map(({ command, notification, isResent }) => {
      return `${command.session} ${notification.event}${isResent ? ' again' : ''}`;
    });

  it('sends what was sent before first, and then what was not sent yet', () => {
    const runner = connectedRunner();
    const command = runner.start(holdCommand(), options, 0);
    runner.onReply({ id: 'epoch.1.0', result: 'OK' }, 1);
    runner.takeOutput();
    runner.onEvent(holdEvent('caller', 'start'), 2, 2);
    runner.resendNotifications(command, 'second');
    runner.resendNotifications(command, 'third');
    expect(sentTo(runner)).toEqual([
      'third CallHolding again',
      'second CallHolding again',
      'third CallHoldStart',
    ]);
  });

  it('is stored again if it has ended, so that the session can resume', () => {
    const runner = connectedRunner();
    const command = runner.start(holdCommand(), alreadyHeld, 0);
    takeStoredRows(runner);
    runner.resendNotifications(structuredClone(command), 'second');
    const { rows, notifications } = runner.takeOutput();
    expect(rows.flatMap(({ commands }) => commands)).toEqual([
      { ...command, session: 'second', position: 5 },
    ]);
    expect(notifications.map(({ notification }) => notification.event)).toEqual(['Error', 'Ended']);
    expect(runner.size).toBe(0);
  });
});

describe('sequence numbers', () => {
  it('of commands, notifications and rows come from one sequence, which only increases', () => {
    const runner = connectedRunner();
    runner.start(holdCommand(), alreadyHeld, 0);
    const { rows, notifications } = runner.takeOutput();
    expect(rows[0]?.commands[0]?.id).toBe(1);
    expect(notifications.map(({ notification }) => notification.seq)).toEqual([2, 3]);
    expect(rows[0]?.position).toBe(4);
  });
});

describe('running commands are counted', () => {
  const counts = (runner: Runner) => [
    runner.inFlight('tester', 'tab'),
    runner.inFlight('tester', 'other'),
    runner.commands.startsInProgress,
  ];

  it('per session, and CallStarts in total, until they end, also after a restore', () => {
    const runner = connectedRunner();
    runner.start(holdCommand(), options, 0);
    runner.start({ ...callStart('two'), session: 'other' }, options, 0);
    runner.start(holdCommand('three'), alreadyHeld, 0);
    expect(counts(runner)).toEqual([1, 1, 1]);
    const commands = takeStoredRows(runner).flatMap((row) => row.commands.filter(({ state }) => state));
    const restored = new Runner('epoch', 20, commands);
    restored.onLinkRestored('stream');
    expect(counts(restored)).toEqual([1, 1, 1]);
    restored.onReply({ id: 'epoch.1.0', error: { code: 404, message: 'not found' } }, 1);
    restored.onReply({ id: 'epoch.2.0', result: { Status: '486 Busy Here' } }, 1);
    expect(counts(restored)).toEqual([0, 0, 0]);
  });

  it('for the session that has taken them over', () => {
    const runner = connectedRunner();
    const command = runner.start(holdCommand(), options, 0);
    runner.resendNotifications(command, 'other');
    runner.resendNotifications(command, 'other');
    expect(counts(runner)).toEqual([0, 1, 0]);
    runner.onReply({ id: 'epoch.1.0', error: { code: 404, message: 'not found' } }, 1);
    expect(counts(runner)).toEqual([0, 0, 0]);
    runner.resendNotifications(command, 'tab');
    expect(counts(runner)).toEqual([0, 0, 0]);
  });
});

it('a command runs with its effective params, and keeps the original ones', () => {
  const runner = connectedRunner();
  const command = runner.start(
    holdCommand('one', 'original'),
    { ...options, effectiveParams: { callid: 'effective' } },
    0,
  );
  expect(command.params).toEqual({ callid: 'original' });
  expect(runner.takeOutput().requests).toMatchObject([{ params: { callid: 'effective' } }]);
  expect([...runner.followed.followersOf('effective')]).toEqual([command]);
  expect([...runner.followed.followersOf('original')]).toEqual([]);
});

it('the listener receives each notification once, in order', () => {
  const received: string[] = [];
  const runner = new Runner('epoch', 1, [], ({ cmdId }, { event }) => received.push(`${cmdId} ${event}`));
  const command = runner.start(holdCommand(), alreadyHeld, 0);
  runner.resendNotifications(command, 'other');
  expect(received).toEqual(['one Error', 'one Ended']);
});
