import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeOpenSips } from '../testing/fake-opensips.ts';
import { bufferUnits, MiClient } from './mi-client.ts';
import type { MiResponse } from './mi-message.ts';

const LONG = { timeoutMs: 60_000, ttlMs: 60_000 };
/** Times out soon. */
const SHORT = { timeoutMs: 20, ttlMs: 60_000 };

let opensips: FakeOpenSips;
let mi: MiClient;

beforeEach(async () => {
  opensips = await FakeOpenSips.start();
  mi = new MiClient();
  mi.connectTo(opensips.address);
});
afterEach(async () => {
  mi.close();
  await opensips.stop();
});

/** Waits for a request to arrive at OpenSIPS. */
const receivedRequest = (method: string, index = 0) =>
  opensips.waitFor(() => opensips.requestsFor(method)[index]);

/** Returns a client with the given limit of outstanding requests. */
function createClient(maxOutstanding: number): MiClient {
  const client = new MiClient(maxOutstanding);
  client.connectTo(opensips.address);
  return client;
}

describe('the MI client', () => {
  it('sends unique string ids', async () => {
    await Promise.all([mi.request('uptime', {}, LONG), mi.request('version', {}, LONG)]);
    const ids = opensips.requests.map(({ id }) => id);
    expect(ids.every((id) => typeof id === 'string')).toBe(true);
    expect(new Set(ids).size).toBe(2);
  });

  it('uses a separate socket for each outstanding request', async () => {
    const responses = Array.from({ length: 50 }, () => mi.request('slow', {}, LONG));
    await opensips.waitFor(() => opensips.requests.length === 50);
    expect(new Set(opensips.requests.map(({ port }) => port)).size).toBe(50);
    for (const { id, respond } of opensips.requests) respond(id);
    expect(await Promise.all(responses)).toEqual(
      opensips.requestsFor('slow').map(({ id }) => ({ result: id })),
    );
  });

  it('gives the sockets of a peak back', async () => {
    // As many as OpenSIPS has room for, if it reads none of them in time.
    const peak = 200;
    const portsOfPeak = async () => {
      opensips.requests.length = 0;
      const responses = Array.from({ length: peak }, () => mi.request('t_uac_dlg', {}, LONG));
      await opensips.waitFor(() => opensips.requests.length === peak);
      for (const { id, respond } of opensips.requests) respond(id);
      await Promise.all(responses);
      return new Set(opensips.requests.map(({ port }) => port));
    };
    const first = await portsOfPeak();
    const second = await portsOfPeak();
    // 64 sockets are kept. The system gives some of the other ports again by chance: 7 of 28,000 are likely.
    const reused = [...second].filter((port) => first.has(port)).length;
    expect([first.size, second.size]).toEqual([peak, peak]);
    expect(reused).toBeGreaterThanOrEqual(64);
    expect(reused).toBeLessThan(120);
  });

  it('uses new sockets after the route has changed', async () => {
    opensips.handlers.set('ping', ({ port }) => port);
    const ask = () => mi.request('ping', {}, LONG);
    const before = await ask();
    expect(await ask()).toEqual(before);
    mi.discardIdleSockets();
    expect(await ask()).not.toEqual(before);
  });

  it('counts INVITEs separately, so that ringing calls never block the requests that end them', async () => {
    const client = createClient(1);
    const ringing = [1, 2].map(() => client.request('t_uac_dlg', {}, LONG));
    await receivedRequest('t_uac_dlg', 1);
    const ended = client.request('dlg_end_dlg', {}, LONG);
    (await receivedRequest('dlg_end_dlg')).respond('OK');
    expect(await ended).toEqual({ result: 'OK' });
    client.close();
    expect(await Promise.all(ringing)).toEqual([{ outcome: 'timeout' }, { outcome: 'timeout' }]);
  });

  it('counts requests to phones separately, so that frozen phones delay no other request', async () => {
    const client = createClient(1);
    const frozen = Array.from({ length: 200 }, (_, n) =>
      client.request(n % 2 === 0 ? 'dlg_send_sequential' : 'dialog:send_sequential', {}, LONG),
    );
    opensips.handlers.set('dlg_send_sequential', () => undefined);
    const ended = client.request('dlg_end_dlg', {}, LONG);
    (await receivedRequest('dlg_end_dlg')).respond('OK');
    expect(await ended).toEqual({ result: 'OK' });
    await opensips.waitFor(() => opensips.requests.length === 201);
    client.close();
    expect(new Set((await Promise.all(frozen)).map((response) => JSON.stringify(response)))).toEqual(
      new Set(['{"outcome":"timeout"}']),
    );
  });

  it('works over IPv6', async () => {
    const overIpv6 = await FakeOpenSips.start(0, '::1');
    const client = new MiClient();
    client.connectTo(overIpv6.address);
    expect(await client.request('uptime', {}, LONG)).toMatchObject({ result: { Now: 'now' } });
    client.close();
    await overIpv6.stop();
  });

  it('reuses a socket after the response', async () => {
    await mi.request('uptime', {}, LONG);
    await mi.request('version', {}, LONG);
    expect(new Set(opensips.requests.map(({ port }) => port)).size).toBe(1);
  });

  it('never takes a late response for that of the next request', async () => {
    expect(await mi.request('slow', {}, SHORT)).toEqual({ outcome: 'timeout' });
    const late = await receivedRequest('slow');
    const response = mi.request('next', {}, LONG);
    const next = await receivedRequest('next');
    late.respondText('500 Internal error');
    late.respond('late');
    expect(next.port).not.toBe(late.port);
    next.respond('in time');
    expect(await response).toEqual({ result: 'in time' });
  });

  it('does not reuse an idle socket that has received a datagram', async () => {
    await mi.request('uptime', {}, LONG);
    const [first] = opensips.requestsFor('uptime');
    first?.respondText('500 Internal error');
    // The response on another socket is read after that datagram.
    const other = new MiClient();
    other.connectTo(opensips.address);
    await other.request('uptime', {}, LONG);
    other.close();
    await mi.request('version', {}, LONG);
    expect(opensips.requestsFor('version')[0]?.port).not.toBe(first?.port);
  });

  it('leaves no socket open if it is closed while a socket connects', async () => {
    // An open socket would keep the process from exiting.
    const script = `
      import { MiClient } from ${JSON.stringify(new URL('mi-client.ts', import.meta.url))};
      for (const schedule of [(close) => close(), queueMicrotask, process.nextTick, setImmediate]) {
        const mi = new MiClient();
        mi.connectTo({ host: '127.0.0.1', port: ${opensips.address.port} });
        mi.request('slow', {}, { timeoutMs: 60_000, ttlMs: 60_000 });
        schedule(() => mi.close());
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script]);
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('ignores a response with another id', async () => {
    const response = mi.request('slow', {}, LONG);
    const request = await receivedRequest('slow');
    request.respondText('{"jsonrpc":"2.0","result":"wrong","id":"other"}');
    request.respond('right');
    expect(await response).toEqual({ result: 'right' });
  });

  it('does not reuse a socket after a plain-text error, because the response may still follow', async () => {
    const response = mi.request('first', {}, LONG);
    const { respondText, port } = await receivedRequest('first');
    respondText('400 Parse_error');
    expect(await response).toEqual({ error: { code: 400, message: 'Parse_error' } });
    void mi.request('second', {}, LONG);
    expect((await receivedRequest('second')).port).not.toBe(port);
  });

  it('accepts responses of 65,457 bytes', async () => {
    const envelopeLength = JSON.stringify({ jsonrpc: '2.0', result: '', id: '' }).length;
    const response = mi.request('slow', {}, LONG);
    const request = await receivedRequest('slow');
    const result = 'x'.repeat(65_457 - envelopeLength - String(request.id).length);
    request.respond(result);
    expect(await response).toEqual({ result });
  });

  it('returns unreachable if nothing listens on the port', async () => {
    await opensips.stop();
    expect(await mi.request('uptime', {}, LONG)).toEqual({ outcome: 'unreachable' });
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    socket.close();
    mi.connectTo({ host: '127.0.0.1', port });
    expect(await mi.request('uptime', {}, LONG)).toEqual({ outcome: 'unreachable' });
  });

  it('returns unreachable before it has an address, and for a request too large for a datagram', async () => {
    expect(await new MiClient().request('uptime', {}, LONG)).toEqual({ outcome: 'unreachable' });
    const tooLarge = await mi.request('t_uac_dlg', { body: 'x'.repeat(70_000) }, LONG);
    expect(tooLarge).toEqual({ outcome: 'unreachable' });
  });

  it('does not wait for a response after the time to live', async () => {
    expect(await mi.request('slow', {}, { timeoutMs: 60_000, ttlMs: 20 })).toEqual({ outcome: 'timeout' });
  });

  it('queues requests above its limit, where they may expire', async () => {
    const client = createClient(1);
    const first = client.request('first', {}, LONG);
    const request = await receivedRequest('first');
    const shortLived = client.request('short-lived', {}, { timeoutMs: 60_000, ttlMs: 1 });
    const longLived = client.request('long-lived', {}, LONG);
    expect(await shortLived).toEqual({ outcome: 'expired' });
    request.respond('OK');
    expect(await first).toEqual({ result: 'OK' });
    (await receivedRequest('long-lived')).respond('too');
    expect(await longLived).toEqual({ result: 'too' });
    expect(opensips.requestsFor('short-lived')).toEqual([]);
    client.close();
  });

  it('does not send a request that is late, although its reply would be awaited for longer', async () => {
    const client = createClient(1);
    const first = client.request('first', {}, LONG);
    const request = await receivedRequest('first');
    expect(await client.request('late', {}, { ...LONG, sendWithinMs: 1 })).toEqual({ outcome: 'expired' });
    request.respond('OK');
    await first;
    const inTime = client.request('in-time', {}, { ...LONG, sendWithinMs: 60_000 });
    (await receivedRequest('in-time')).respond('OK');
    expect(await inTime).toEqual({ result: 'OK' });
    expect(opensips.requestsFor('late')).toEqual([]);
    client.close();
  });

  it('ends sent requests with timeout and unsent ones with unreachable when it is closed', async () => {
    const client = createClient(1);
    const sent = client.request('first', {}, LONG);
    await receivedRequest('first');
    const waiting = client.request('second', {}, LONG);
    client.close();
    expect(await sent).toEqual({ outcome: 'timeout' });
    expect(await waiting).toEqual({ outcome: 'unreachable' });
    expect(await client.request('third', {}, LONG)).toEqual({ outcome: 'unreachable' });
  });

  it("sends no more at once than fits into OpenSIPS's buffer, and continues although responses are late", async () => {
    const responses = Array.from({ length: 200 }, () => mi.request('slow', {}, LONG));
    await opensips.waitFor(() => opensips.requestsFor('slow').length > 0);
    // What arrives in one event-loop iteration was sent at once.
    expect(opensips.requestsFor('slow').length).toBeLessThanOrEqual(64);
    await opensips.waitFor(() => opensips.requestsFor('slow').length === 200);
    for (const { respond } of opensips.requestsFor('slow')) respond('OK');
    expect(await Promise.all(responses)).toEqual(responses.map(() => ({ result: 'OK' })));
  });

  it('counts a large request by the buffer space that it takes', async () => {
    const body = 'x'.repeat(7_900);
    const responses = Array.from({ length: 40 }, () => mi.request('slow', { body }, LONG));
    await opensips.waitFor(() => opensips.requestsFor('slow').length > 0);
    expect(opensips.requestsFor('slow').length).toBeLessThanOrEqual(8);
    await opensips.waitFor(() => opensips.requestsFor('slow').length === 40);
    for (const { respond } of opensips.requestsFor('slow')) respond('OK');
    expect(await Promise.all(responses)).toEqual(responses.map(() => ({ result: 'OK' })));
  });

  // The bytes that Linux allocated for datagrams of these sizes (`rx_queue` of /proc/net/udp).
  it.each([
    [300, 1_280],
    [1_600, 2_304],
    [1_700, 4_352],
    [3_600, 4_352],
    [4_000, 8_448],
    [7_900, 16_640],
    [10_000, 16_640],
  ])(
    'counts a datagram of %i bytes as at least the %i that it takes, and at most twice that',
    (bytes, takenBytes) => {
      const countedBytes = bufferUnits('x'.repeat(bytes)) * 2_304;
      expect(countedBytes).toBeGreaterThanOrEqual(takenBytes);
      expect(countedBytes).toBeLessThan(2 * takenBytes + 1);
    },
  );

  it('returns the right response to every request, whatever the order and form of the responses', async () => {
    const behavior = fc.constantFrom('result', 'error', 'stray then result', 'text', 'silence');
    await fc.assert(
      fc.asyncProperty(
        fc.array(behavior, { minLength: 1, maxLength: 12 }),
        fc.integer(),
        async (behaviors, seed) => {
          const client = createClient(4);
          opensips.requests.length = 0;
          opensips.handlers.set('m', ({ id, params, respond, respondText }) => {
            const index = Number(params['index']);
            const error = { code: 404, message: String(index) };
            const act = () => {
              switch (behaviors[index]) {
                case 'result':
                  return respond(index);
                case 'error':
                  return respondText(JSON.stringify({ jsonrpc: '2.0', id, error }));
                case 'stray then result':
                  respondText('{"jsonrpc":"2.0","id":"stray","result":-1}');
                  return respond(index);
                case 'text':
                  return respondText(`500 ${index}`);
              }
            };
            // Some at once and some an iteration later, so that responses overtake one another.
            if ((index + seed) % 2 === 0) act();
            else setImmediate(act);
            return undefined;
          });
          const responses = await Promise.all(
            behaviors.map((name, index) =>
              client.request('m', { index }, { timeoutMs: name === 'silence' ? 5 : 60_000, ttlMs: 60_000 }),
            ),
          );
          client.close();
          const expected = behaviors.map((name, index): MiResponse => {
            if (name === 'silence') return { outcome: 'timeout' };
            if (name === 'text') return { error: { code: 500, message: String(index) } };
            if (name === 'error') return { error: { code: 404, message: String(index) } };
            return { result: index };
          });
          expect(responses).toEqual(expected);
        },
      ),
      { numRuns: 50 },
    );
  });
});
