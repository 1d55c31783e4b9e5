import { expect, it } from 'vitest';
import { Connections, type Phase, STALLED_AFTER_MS } from './connections.ts';

class FakeSocket {
  bytesWritten = 0;
  writableLength = 0;
  isOpen = true;

  destroy(): void {
    this.isOpen = false;
  }
}

function setUp(max: number) {
  const connections = new Connections<FakeSocket>(max);
  const add = (phase: Phase = 'idle') => {
    const socket = new FakeSocket();
    connections.add(socket, 0);
    if (phase !== 'idle') connections.enter(socket, phase);
    return socket;
  };
  return { connections, add };
}

it('lets a new connection in by closing those that have nothing to lose, the oldest first', () => {
  const { connections, add } = setUp(9);
  const answering = add('answering');
  const websocket = add('websocket');
  const waiting = add('answering');
  waiting.writableLength = 1;
  const receiving = [add('receiving'), add('receiving')];
  const idle = [add(), add()];
  const closing = [add('closing'), add('closing')];
  const expected = [...closing, ...idle, ...receiving, waiting];
  for (const [index, socket] of expected.entries()) {
    expect(add('answering').isOpen).toBe(true);
    expect(socket.isOpen, `connection ${index}`).toBe(false);
    expect(connections.size).toBe(9);
  }
  expect(add().isOpen, 'all others are being served').toBe(false);
  expect([answering.isOpen, websocket.isOpen]).toEqual([true, true]);
});

it('counts how long a connection has been idle from its last response on', () => {
  const { connections, add } = setUp(2);
  const [first, second] = [add(), add()];
  connections.enter(first, 'answering');
  connections.enter(first, 'idle');
  add();
  expect([first.isOpen, second.isOpen]).toEqual([true, false]);
});

it('forgets a connection that has closed by itself', () => {
  const { connections, add } = setUp(1);
  const socket = add();
  connections.delete(socket);
  connections.enter(socket, 'websocket');
  expect(connections.size).toBe(0);
  expect(add().isOpen).toBe(true);
});

it('disconnects a client that takes nothing although bytes wait, and no other', () => {
  const { connections, add } = setUp(10);
  const [stalled, slow, quick, quiet] = [
    add('websocket'),
    add('websocket'),
    add('answering'),
    add('websocket'),
  ];
  Object.assign(stalled, { bytesWritten: 50, writableLength: 40 });
  for (let now = 0; now <= STALLED_AFTER_MS; now += 1_000) {
    // One takes a byte a second of many that wait. Of the others, one has all bytes, and one got none.
    Object.assign(slow, { bytesWritten: now / 1_000 + 40, writableLength: 40 });
    quick.bytesWritten = now;
    connections.closeStalled(now);
    expect(stalled.isOpen).toBe(now < STALLED_AFTER_MS);
  }
  expect([slow.isOpen, quick.isOpen, quiet.isOpen]).toEqual([true, true, true]);
});
