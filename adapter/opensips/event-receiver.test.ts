import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { createLog } from '../log.ts';
import { ChangeEmitter } from '../testing/change-emitter.ts';
import { EventReceiver } from './event-receiver.ts';

const OPENSIPS = { host: '127.0.0.1', port: 8080 };

class Received extends ChangeEmitter {
  readonly callids: string[] = [];
  add(callid: string): void {
    this.callids.push(callid);
    this.emitChange();
  }
}

async function send(port: number, host: string, callid: string): Promise<void> {
  const socket = createSocket('udp4').bind(0, OPENSIPS.host);
  await once(socket, 'listening');
  const params = { callid, leg: 'caller', action: 'hold', state: 'ok' };
  const datagram = JSON.stringify({ jsonrpc: '2.0', method: 'E_CALL_HOLD', params });
  socket.send(datagram, port, host, () => socket.close());
  await once(socket, 'close');
}

function createReceiver(events?: { host: string; port: number }) {
  const received = new Received();
  const route = { host: '127.0.0.1', changes: 0 };
  const receiver = new EventReceiver({
    events,
    eventsSetting: '--events',
    onEvent({ params: { callid } }) {
      received.add(callid);
    },
    onRouteChange() {
      route.changes += 1;
    },
    log: createLog('silent', []),
    findAddress: async () => ({ host: route.host, port: 0 }),
  });
  onTestFinished(() => receiver.stop());
  return { receiver, received, route };
}

it('keeps its socket while the route to OpenSIPS stays', async () => {
  const { receiver, route } = createReceiver();
  const socket = await receiver.socketFor(OPENSIPS);
  expect(await receiver.socketFor(OPENSIPS)).toBe(socket);
  expect(route.changes).toBe(0);
});

it('receives events at the new local address when the route has changed', async () => {
  const { receiver, received, route } = createReceiver();
  const { address: before } = await receiver.socketFor(OPENSIPS);
  route.host = '127.0.0.2';
  const { address } = await receiver.socketFor(OPENSIPS);
  expect([before.host, address.host, route.changes]).toEqual(['127.0.0.1', '127.0.0.2', 1]);
  await send(address.port, address.host, 'after');
  await received.waitFor(() => received.callids.length > 0);
  expect(received.callids).toEqual(['after']);
});

it('stays at the address of the setting', async () => {
  const { receiver, route } = createReceiver({ host: '127.0.0.1', port: 0 });
  const socket = await receiver.socketFor(OPENSIPS);
  route.host = '127.0.0.2';
  expect(await receiver.socketFor(OPENSIPS)).toBe(socket);
});

it('leaves no socket open that it was opening when it was stopped', async () => {
  const { receiver: first } = createReceiver();
  const { address } = await first.socketFor(OPENSIPS);
  first.stop();
  const { receiver } = createReceiver(address);
  const pendingSocket = receiver.socketFor(OPENSIPS);
  receiver.stop();
  await expect(pendingSocket).rejects.toThrow('the adapter stops');
  await expect(receiver.socketFor(OPENSIPS)).rejects.toThrow('the adapter stops');
  // The port is free again.
  expect((await createReceiver(address).receiver.socketFor(OPENSIPS)).address).toEqual(address);
});
