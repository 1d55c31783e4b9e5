/** Tests the commands with a manual clock: when each settles, what is sent again, and where a session resumes. */
import { expect, it } from 'vitest';
import { ActiveCommands, MAX_DISCONNECTED_MS, RESEND_WINDOW_MS } from './active-commands.ts';
import type { ResponseCallback } from './messages.ts';

const REFUSED = { code: -32001, message: 'No adapter connected' };

function setUp() {
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  const sent: {
    readonly params: object;
    readonly onResponse: ResponseCallback;
    readonly isRetryable: boolean;
  }[] = [];
  const discarded: string[] = [];
  const events: string[] = [];
  let now = 0;
  const setTimer = (ms: number, callback: () => void) => {
    const timer = { at: now + ms, callback };
    timers.add(timer);
    return () => timers.delete(timer);
  };
  const commands = new ActiveCommands(
    { now: () => now, setTimer },
    {
      send: (_, params, onResponse, isRetryable) =>
        String(sent.push({ params, onResponse, isRetryable }) - 1),
      discard: (id) => void discarded.push(id),
    },
  );
  const add = (cmdId: string, lastSeq = 0, method = 'CallHold') =>
    commands.add(
      cmdId,
      {
        method,
        params: { cmdId },
        onUpdate: ({ event, error }) => events.push(`${cmdId} ${event}${error ? ` ${error.code}` : ''}`),
      },
      lastSeq,
    );
  const advance = (ms: number) => {
    now += ms;
    for (const timer of [...timers]) if (timer.at <= now && timers.delete(timer)) timer.callback();
  };
  const notify = (cmdId: string, event: string, seq?: number) =>
    commands.onNotification({ cmd_id: cmdId, event, ...(seq === undefined ? {} : { seq }) });
  return { commands, sent, discarded, events, timers, add, advance, notify };
}

it('fails a command that was never sent after 30 s, and keeps no timer', () => {
  const { events, timers, add, advance } = setUp();
  add('a');
  advance(RESEND_WINDOW_MS - 1);
  expect(events).toEqual([]);
  advance(1);
  expect(events).toEqual(['a Lost -32012']);
  expect(timers.size).toBe(0);
});

it('fails a command that an open edge does not answer, and takes back its request', () => {
  const { commands, discarded, events, add, advance } = setUp();
  commands.onConnected('s1');
  add('a');
  commands.send('a');
  advance(RESEND_WINDOW_MS);
  expect(events).toEqual(['a Lost -32013']);
  expect(discarded).toEqual(['0']);
});

it('fails a command that has started when no socket has opened for an hour, however often that is tried', () => {
  const { commands, sent, events, timers, add, advance } = setUp();
  commands.onConnected('s1');
  add('a');
  commands.send('a');
  sent[0]?.onResponse({ result: {} });
  for (let tries = 0; tries < 4; tries++) {
    commands.onDisconnected();
    expect(events).toEqual(['a Started']);
    advance(MAX_DISCONNECTED_MS / 4);
  }
  expect(events).toEqual(['a Started', 'a Lost -32013']);
  expect(timers.size).toBe(0);
});

it('sends a command again that a new session does not have, also when that session is resumed', () => {
  const { commands, sent, events, add } = setUp();
  commands.onConnected('s1');
  for (const cmdId of ['a', 'b']) {
    add(cmdId);
    commands.send(cmdId);
  }
  for (const { onResponse } of [...sent]) onResponse({ result: {} });
  commands.onDisconnected();
  commands.onConnected('s2');
  // Of the two that were sent again, only one is answered before the next break.
  sent[2]?.onResponse({ result: {} });
  commands.onDisconnected();
  commands.onConnected('s2');
  expect(sent.slice(4).map(({ params }) => params)).toEqual([{ cmdId: 'b' }]);
  expect(events).toEqual(['a Started', 'b Started']);
});

it('does not send a command any more that it cannot send in its window, and says so', () => {
  const { commands, sent, events, add, advance } = setUp();
  commands.onConnected('s1');
  add('a');
  commands.send('a');
  sent[0]?.onResponse({ result: {} });
  advance(RESEND_WINDOW_MS - 1);
  commands.onDisconnected();
  commands.onConnected('s2');
  expect(sent[1]?.isRetryable).toBe(true);
  advance(1);
  expect(events).toEqual(['a Started', 'a Lost -32013']);
});

it('tells Started before the first step, whichever arrives first', () => {
  const { commands, sent, events, add, notify } = setUp();
  commands.onConnected('s1');
  add('a');
  commands.send('a');
  notify('a', 'Reply', 1);
  sent[0]?.onResponse({ result: {} });
  notify('a', 'Ended', 2);
  expect(events).toEqual(['a Started', 'a Reply', 'a Ended']);
});

it('resumes from before the notifications of a repeated command that may have been lost', () => {
  const { commands, sent, add, notify } = setUp();
  commands.onConnected('s1');
  add('once');
  commands.send('once');
  notify('once', 'Reply', 5);
  expect(commands.resumeFrom(5)).toBe(5);
  add('twice', 5);
  commands.send('twice');
  commands.onDisconnected();
  commands.onConnected('s2');
  sent.at(-1)?.onResponse({ result: {} });
  notify('once', 'Reply', 9);
  expect(commands.resumeFrom(9)).toBe(5);
  notify('twice', 'Reply', 7);
  expect(commands.resumeFrom(9)).toBe(7);
  notify('twice', 'Ended', 8);
  expect(commands.resumeFrom(9)).toBe(9);
});

it('reports a command as unknown, not as refused, if it has started and a new session is refused its events', () => {
  const { commands, sent, events, add } = setUp();
  commands.onConnected('s1');
  add('a');
  add('b');
  commands.send('a');
  sent[0]?.onResponse({ result: {} });
  commands.onConnected('s2');
  for (const { onResponse } of sent.slice(1)) onResponse({ error: REFUSED });
  expect(events).toEqual(['a Started', 'a Lost -32013', 'b Refused -32001']);
});

it('sends an Echo again after a break, also in the same session, and tells its reply once', () => {
  const { commands, sent, events, add, advance, notify } = setUp();
  commands.onConnected('s1');
  add('echo', 7, 'Echo');
  add('stored', 7);
  for (const cmdId of ['echo', 'stored']) commands.send(cmdId);
  for (const { onResponse } of [...sent]) onResponse({ result: {} });
  notify('echo', 'Reply');
  commands.onDisconnected();
  commands.onConnected('s1');
  expect(sent.slice(2).map(({ params }) => params)).toEqual([{ cmdId: 'echo' }]);
  // It has missed nothing that the edge could send again.
  expect(commands.resumeFrom(9)).toBe(9);
  sent[2]?.onResponse({ result: {} });
  notify('echo', 'Reply');
  notify('echo', 'Ended');
  advance(RESEND_WINDOW_MS);
  expect(events).toEqual(['echo Started', 'stored Started', 'echo Reply', 'echo Ended']);
});

it('keeps no timer of any command that was discarded or has ended', () => {
  const { commands, timers, add, notify } = setUp();
  for (let n = 0; n < 100; n++) add(`c${n}`);
  commands.onConnected('s1');
  commands.onDisconnected();
  expect(timers.size).toBe(101);
  for (let n = 0; n < 50; n++) commands.discard(`c${n}`);
  for (let n = 50; n < 100; n++) notify(`c${n}`, 'Ended', n);
  expect(timers.size).toBe(0);
});
