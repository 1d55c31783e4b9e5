import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import type { EviEvent } from '../../shared/opensips/evi.ts';
import { createLog } from '../log.ts';
import { ChangeEmitter } from '../testing/change-emitter.ts';
import { type EventSocket, findLocalAddress, openEventSocket } from './event-socket.ts';

class ReceivedEvents extends ChangeEmitter {
  readonly events: EviEvent[] = [];
  readonly add = (event: EviEvent) => {
    this.events.push(event);
    this.emitChange();
  };
}

const log = createLog('silent', []);
const ANY_PORT = { host: '127.0.0.1', port: 0 };
const event = (callid: string) => ({
  name: 'E_CALL_HOLD',
  params: { callid, leg: 'caller', action: 'hold', state: 'ok' },
});

const openSockets: EventSocket[] = [];
afterEach(() => {
  for (const socket of openSockets.splice(0)) socket.close();
});

async function open(received: ReceivedEvents): Promise<EventSocket> {
  const socket = await openEventSocket(ANY_PORT, '127.0.0.1', received.add, log);
  openSockets.push(socket);
  return socket;
}

/** Sends a datagram from the given loopback address. */
async function send(from: string, to: EventSocket, text: string): Promise<void> {
  const socket = createSocket('udp4').bind(0, from);
  await once(socket, 'listening');
  socket.send(text, to.address.port, to.address.host, () => socket.close());
  await once(socket, 'close');
}

const datagram = (callid: string) => {
  const { name, params } = event(callid);
  return JSON.stringify({ jsonrpc: '2.0', method: name, params });
};

describe('the event socket', () => {
  it("accepts events from OpenSIPS's address only", async () => {
    const received = new ReceivedEvents();
    const socket = await open(received);
    await send('127.0.0.2', socket, datagram('other'));
    await send('127.0.0.1', socket, datagram('opensips'));
    await received.waitFor(() => received.events.length > 0);
    expect(received.events).toEqual([event('opensips')]);
  });

  it('accepts events from a new address of OpenSIPS', async () => {
    const received = new ReceivedEvents();
    const socket = await open(received);
    socket.acceptFrom('127.0.0.2');
    await send('127.0.0.1', socket, datagram('old'));
    await send('127.0.0.2', socket, datagram('new'));
    await received.waitFor(() => received.events.length > 0);
    expect(received.events).toEqual([event('new')]);
  });

  it('takes the first sender of an event for OpenSIPS if its IPv4 address is not known', async () => {
    const received = new ReceivedEvents();
    const socket = await openEventSocket(ANY_PORT, undefined, received.add, log);
    openSockets.push(socket);
    await send('127.0.0.3', socket, 'no event');
    await send('127.0.0.2', socket, datagram('first'));
    await received.waitFor(() => received.events.length === 1);
    await send('127.0.0.1', socket, datagram('other'));
    await send('127.0.0.2', socket, datagram('second'));
    await received.waitFor(() => received.events.length === 2);
    expect(received.events).toEqual([event('first'), event('second')]);
  });

  it('ignores unreadable datagrams', async () => {
    const received = new ReceivedEvents();
    const socket = await open(received);
    await send('127.0.0.1', socket, 'what?');
    await send('127.0.0.1', socket, '{"method":"E_CALL_HOLD","params":{"callid":7}}');
    await send('127.0.0.1', socket, datagram('good'));
    await received.waitFor(() => received.events.length > 0);
    expect(received.events).toEqual([event('good')]);
  });

  it('rejects if the port is in use', async () => {
    const { address } = await open(new ReceivedEvents());
    await expect(openEventSocket(address, '127.0.0.1', () => {}, log)).rejects.toThrow('EADDRINUSE');
  });

  it('finds the local address that OpenSIPS can reach', async () => {
    expect(await findLocalAddress({ host: '127.0.0.1', port: 8080 })).toBe('127.0.0.1');
  });
});
