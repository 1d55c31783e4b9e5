import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import type { EviEvent } from '../shared/evi.ts';
import { type EventSocket, localAddressTowards, openEventSocket } from './evi.ts';
import { createLog } from './log.ts';
import { Changing } from './testing/until.ts';

class Events extends Changing {
  readonly got: EviEvent[] = [];
  readonly take = (event: EviEvent) => {
    this.got.push(event);
    this.changed();
  };
}

const log = createLog('silent', []);
const ANYWHERE = { host: '127.0.0.1', port: 0 };
const event = (callid: string) => ({
  name: 'E_CALL_HOLD',
  params: { callid, leg: 'caller', action: 'hold', state: 'ok' },
});

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function open(events: Events): Promise<EventSocket> {
  const socket = await openEventSocket(ANYWHERE, '127.0.0.1', events.take, log);
  closers.push(() => socket.close());
  return socket;
}

/** Sends a datagram from a loopback address of its own. */
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
  it("takes events from OpenSIPS's address only", async () => {
    const events = new Events();
    const socket = await open(events);
    await send('127.0.0.2', socket, datagram('stranger'));
    await send('127.0.0.1', socket, datagram('opensips'));
    await events.until(() => events.got.length > 0);
    expect(events.got).toEqual([event('opensips')]);
  });

  it('follows OpenSIPS to another address', async () => {
    const events = new Events();
    const socket = await open(events);
    socket.takeFrom('127.0.0.2');
    await send('127.0.0.1', socket, datagram('old'));
    await send('127.0.0.2', socket, datagram('new'));
    await events.until(() => events.got.length > 0);
    expect(events.got).toEqual([event('new')]);
  });

  it('passes over what it cannot read', async () => {
    const events = new Events();
    const socket = await open(events);
    await send('127.0.0.1', socket, 'what?');
    await send('127.0.0.1', socket, '{"method":"E_CALL_HOLD","params":{"callid":7}}');
    await send('127.0.0.1', socket, datagram('good'));
    await events.until(() => events.got.length > 0);
    expect(events.got).toEqual([event('good')]);
  });

  it('says so when the port is taken', async () => {
    const { address } = await open(new Events());
    await expect(openEventSocket(address, '127.0.0.1', () => {}, log)).rejects.toThrow('EADDRINUSE');
  });

  it('finds the local address that reaches OpenSIPS', async () => {
    expect(await localAddressTowards({ host: '127.0.0.1', port: 8080 })).toBe('127.0.0.1');
  });
});
