/** Nothing of a frame that the edge cannot apply is lost: it closes the socket, and the adapter sends everything again. */
import { runInDurableObject } from 'cloudflare:test';
import { expect, it, vi } from 'vitest';
import type { EdgeMessage } from '../../../shared/protocol/link.ts';
import { Client } from '../../testing/client.ts';
import { dialogEvent, holdEvent } from '../../testing/scenarios.ts';
import { TestSite } from '../../testing/site.ts';
import { openSocket, type TestSocket } from '../../testing/sockets.ts';
import { LinkFixture } from './testing/link-fixture.ts';

const ADAPTER_HEADERS = { Authorization: 'Bearer adapter-key-of-the-tests' };
const OPENSIPS = { version: 'OpenSIPS (3.6.8)', next_hop: 'sip:127.0.0.1:5060', reachable: true };

const event = (seq: number, callid = 'unknown') => ({
  type: 'event',
  seq,
  at: 1,
  ...dialogEvent(callid, 1, 2),
});

/** Connects an adapter. Returns its socket, the `welcome`, and the requests that came along. */
async function connect(stream: string, { base = 1, adapter = 'test' } = {}) {
  const socket = await openSocket('/adapter', ADAPTER_HEADERS);
  send(socket, { type: 'hello', version: 1, adapter, stream, base, opensips: OPENSIPS });
  const first = await socket.next<EdgeMessage | EdgeMessage[]>();
  const [welcome, ...requests] = Array.isArray(first) ? first : [first];
  return { socket, welcome, requests };
}

function send(socket: TestSocket, frame: object): void {
  socket.send(JSON.stringify(frame));
}

const byteLength = (text: string) => new TextEncoder().encode(text).length;

it.each([
  ['of an unknown type in another script', { type: '呼'.repeat(1_000) }],
  ['of an unknown type in emoji', { type: '😀'.repeat(1_000) }],
  ['with half a surrogate pair', { type: `${'x'.repeat(60)}\ud83d${'é'.repeat(60)}` }],
  ['with a long field', { type: 'event', seq: 1, at: 1, name: '号'.repeat(200), params: {} }],
])(
  'closes with 4400 and a reason that fits after a message %s, and applies nothing of its frame',
  async (_, bad) => {
    const stream = crypto.randomUUID();
    const { socket } = await connect(stream);
    send(socket, [event(1), event(2), bad]);
    const { code, reason } = await socket.closed;
    expect(code).toBe(4400);
    expect(byteLength(reason)).toBeLessThanOrEqual(123);
    const again = await connect(stream);
    expect(again.welcome).toMatchObject({ type: 'welcome', applied: 0 });
    again.socket.close();
  },
);

it('closes the socket when a message is missing, applies nothing after it, and gets everything again', async () => {
  const stream = crypto.randomUUID();
  const client = await Client.connect();
  const first = await connect(stream);
  await client.request('CallHold', { callid: 'hole' });
  const { id } = await first.socket.next<{ id: string }>();
  const messages = [
    { type: 'reply', seq: 1, id, result: 'OK' },
    ...(['start', 'ok'] as const).flatMap((state, index) =>
      (['caller', 'callee'] as const).map((leg, other) => ({
        type: 'event',
        seq: 2 + 2 * index + other,
        at: 1,
        ...holdEvent('hole', leg, state),
      })),
    ),
  ];
  send(
    first.socket,
    messages.filter(({ seq }) => seq !== 2),
  );
  expect(await first.socket.closed).toMatchObject({ code: 1011, reason: expect.stringContaining('2') });
  const second = await connect(stream);
  expect(second.welcome).toMatchObject({ applied: 1 });
  send(second.socket, messages);
  expect((await client.untilEnded()).map(({ event: name }) => name)).toEqual([
    'CallHolding',
    'CallHoldStart',
    'CallHoldStart',
    'CallHoldSuccessful',
    'CallHoldSuccessful',
    'Ended',
  ]);
  second.socket.close();
});

it('goes on at the first message that the adapter still has if it has lost acknowledged ones, which a gap reports', () =>
  withFixture((fixture) => {
    fixture.connect();
    fixture.sent();
    const socket = fixture.connect({ base: 7 });
    expect(fixture.sent().at(-1)).toMatchObject({ type: 'welcome', applied: 0 });
    fixture.receive(socket, [event(7), { type: 'gap', seq: 8, reason: 'test' }]);
    expect(fixture.link.applied).toEqual([{ stream: 'one', seq: 8 }]);
    expect(fixture.listener.resync).toHaveBeenCalledOnce();
  }));

it('closes the socket when a message cannot be applied, acknowledges only those before it, and gets the rest again', () =>
  withFixture((fixture) => {
    const silenced = vi.spyOn(console, 'error').mockImplementation(() => {});
    const socket = fixture.connect();
    fixture.listener.onEvent.mockImplementation(({ params }) => {
      if (params.callid === 'bad') throw new Error('test');
    });
    fixture.receive(socket, [event(1), event(2, 'bad'), event(3)]);
    expect(socket.closedWith).toEqual({ code: 1011, reason: expect.stringContaining('message 2') });
    expect(fixture.link.isConnected).toBe(false);
    expect(fixture.link.applied).toEqual([{ stream: 'one', seq: 1 }]);
    fixture.listener.onEvent.mockReset();
    fixture.receive(fixture.connect(), [event(1), event(2, 'bad'), event(3)]);
    expect(fixture.sent()).toContainEqual(expect.objectContaining({ type: 'welcome', applied: 1 }));
    expect(fixture.listener.onEvent.mock.calls.map(([{ params }]) => params.callid)).toEqual([
      'bad',
      'unknown',
    ]);
    silenced.mockRestore();
  }));

it('reads the dialogs for a new process again, if the first attempt has failed', () =>
  withFixture((fixture) => {
    const silenced = vi.spyOn(console, 'error').mockImplementation(() => {});
    fixture.connect();
    fixture.listener.resync.mockImplementationOnce(() => {
      throw new Error('test');
    });
    expect(fixture.connect({ stream: 'two' }).closedWith).toMatchObject({ code: 1011 });
    fixture.connect({ stream: 'two' });
    expect(fixture.listener.resync).toHaveBeenCalledTimes(2);
    silenced.mockRestore();
  }));

it('ignores a `hello` that follows a message that has closed the socket', () =>
  withFixture((fixture) => {
    const socket = fixture.connect();
    fixture.receive(socket, [
      event(5),
      { type: 'hello', version: 1, adapter: 'test', stream: 'one', base: 1, opensips: OPENSIPS },
    ]);
    expect(fixture.link.isConnected).toBe(false);
  }));

it.each(['status', 'hello'])('stores no message as applied with a `%s` before its turn is stored', (type) =>
  withFixture((fixture) => {
    const socket = fixture.connect();
    fixture.link.flush([], true);
    fixture.receive(socket, event(1));
    if (type === 'status') fixture.receive(socket, { type, opensips: OPENSIPS });
    else fixture.connect();
    expect(fixture.restore().applied).toEqual([{ stream: 'one', seq: 0 }]);
    fixture.receive(fixture.connect(), event(1));
    fixture.link.flush([], false);
    expect(fixture.restore().applied).toEqual([{ stream: 'one', seq: 1 }]);
  }),
);

function withFixture(test: (fixture: LinkFixture) => void): Promise<void> {
  return runInDurableObject(new TestSite().object, (_, { storage }) => test(new LinkFixture(storage)));
}
