import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MiClient, placesOf } from './mi.ts';
import type { MiAnswer } from './mi-message.ts';
import { FakeOpenSips } from './testing/fake-opensips.ts';

const LONG = { timeoutMs: 60_000, ttlMs: 60_000 };
/** Times out at once, as far as the test is concerned. */
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

/** The request as OpenSIPS got it. */
const asked = (method: string, index = 0) => opensips.until(() => opensips.of(method)[index]);

describe('MI', () => {
  it('sends string ids, each once', async () => {
    await Promise.all([mi.request('uptime', {}, LONG), mi.request('version', {}, LONG)]);
    const ids = opensips.asked.map(({ id }) => id);
    expect(ids.every((id) => typeof id === 'string')).toBe(true);
    expect(new Set(ids).size).toBe(2);
  });

  it('gives no two outstanding requests the same socket', async () => {
    const answers = Array.from({ length: 50 }, () => mi.request('slow', {}, LONG));
    await opensips.until(() => opensips.asked.length === 50);
    expect(new Set(opensips.asked.map(({ port }) => port)).size).toBe(50);
    for (const { id, answer } of opensips.asked) answer(id);
    const results = await Promise.all(answers);
    expect(results).toEqual(opensips.of('slow').map(({ id }) => ({ result: id })));
  });

  it('lets calls that ring take no place from what ends them', async () => {
    const narrow = new MiClient(1);
    narrow.connectTo(opensips.address);
    const ringing = [1, 2].map(() => narrow.request('t_uac_dlg', {}, LONG));
    await asked('t_uac_dlg', 1);
    const ended = narrow.request('dlg_end_dlg', {}, LONG);
    (await asked('dlg_end_dlg')).answer('OK');
    expect(await ended).toEqual({ result: 'OK' });
    narrow.close();
    expect(await Promise.all(ringing)).toEqual([{ outcome: 'timeout' }, { outcome: 'timeout' }]);
  });

  it('uses a socket again after its answer', async () => {
    await mi.request('uptime', {}, LONG);
    await mi.request('version', {}, LONG);
    expect(new Set(opensips.asked.map(({ port }) => port)).size).toBe(1);
  });

  it('does not take a late answer for that of the next request', async () => {
    expect(await mi.request('slow', {}, SHORT)).toEqual({ outcome: 'timeout' });
    const late = await asked('slow');
    const next = mi.request('next', {}, LONG);
    const { port, answer } = await asked('next');
    late.answerText('500 Internal error');
    late.answer('late');
    expect(port).not.toBe(late.port);
    answer('in time');
    expect(await next).toEqual({ result: 'in time' });
  });

  it('does not use an idle socket again on which something came', async () => {
    await mi.request('uptime', {}, LONG);
    const [first] = opensips.of('uptime');
    first?.answerText('500 Internal error');
    // Answered on another socket, and read after it.
    const other = new MiClient();
    other.connectTo(opensips.address);
    await other.request('uptime', {}, LONG);
    other.close();
    await mi.request('version', {}, LONG);
    expect(opensips.of('version')[0]?.port).not.toBe(first?.port);
  });

  it('leaves no socket open, though it is closed while one connects', async () => {
    // An open socket would keep the process from ending.
    const script = `
      import { MiClient } from ${JSON.stringify(new URL('mi.ts', import.meta.url))};
      for (const turn of [(close) => close(), queueMicrotask, process.nextTick, setImmediate]) {
        const mi = new MiClient();
        mi.connectTo({ host: '127.0.0.1', port: ${opensips.address.port} });
        mi.request('slow', {}, { timeoutMs: 60_000, ttlMs: 60_000 });
        turn(() => mi.close());
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script]);
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('passes over an answer with another id', async () => {
    const answer = mi.request('slow', {}, LONG);
    const request = await asked('slow');
    request.answerText('{"jsonrpc":"2.0","result":"wrong","id":"other"}');
    request.answer('right');
    expect(await answer).toEqual({ result: 'right' });
  });

  it('does not use a socket again that got plain text, for its answer may still come', async () => {
    const first = mi.request('first', {}, LONG);
    const { answerText, port } = await asked('first');
    answerText('400 Parse_error');
    expect(await first).toEqual({ error: { code: 400, message: 'Parse_error' } });
    void mi.request('second', {}, LONG);
    expect((await asked('second')).port).not.toBe(port);
  });

  it('takes replies of 65,457 bytes', async () => {
    const frame = JSON.stringify({ jsonrpc: '2.0', result: '', id: '' }).length;
    const answer = mi.request('dlg_list', {}, LONG);
    const request = await asked('dlg_list');
    const result = 'x'.repeat(65_457 - frame - String(request.id).length);
    request.answer(result);
    expect(await answer).toEqual({ result });
  });

  it('says unreachable where nobody listens', async () => {
    await opensips.stop();
    expect(await mi.request('uptime', {}, LONG)).toEqual({ outcome: 'unreachable' });
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    socket.close();
    mi.connectTo({ host: '127.0.0.1', port });
    expect(await mi.request('uptime', {}, LONG)).toEqual({ outcome: 'unreachable' });
  });

  it('says unreachable while the address is not known, and for what is too large for a datagram', async () => {
    expect(await new MiClient().request('uptime', {}, LONG)).toEqual({ outcome: 'unreachable' });
    const tooLarge = await mi.request('t_uac_dlg', { body: 'x'.repeat(70_000) }, LONG);
    expect(tooLarge).toEqual({ outcome: 'unreachable' });
  });

  it('waits for no answer beyond the time to live', async () => {
    expect(await mi.request('slow', {}, { timeoutMs: 60_000, ttlMs: 20 })).toEqual({ outcome: 'timeout' });
  });

  it('lets requests wait while all sockets are taken, and expire there', async () => {
    const narrow = new MiClient(1);
    narrow.connectTo(opensips.address);
    const first = narrow.request('first', {}, LONG);
    const request = await asked('first');
    const impatient = narrow.request('impatient', {}, { timeoutMs: 60_000, ttlMs: 1 });
    const patient = narrow.request('patient', {}, { timeoutMs: 60_000, ttlMs: 60_000 });
    expect(await impatient).toEqual({ outcome: 'expired' });
    request.answer('OK');
    expect(await first).toEqual({ result: 'OK' });
    (await asked('patient')).answer('too');
    expect(await patient).toEqual({ result: 'too' });
    expect(opensips.of('impatient')).toEqual([]);
    narrow.close();
  });

  it('ends as unknown what was sent when it is closed, and as not run what was not', async () => {
    const narrow = new MiClient(1);
    narrow.connectTo(opensips.address);
    const sent = narrow.request('first', {}, LONG);
    await asked('first');
    const waiting = narrow.request('second', {}, LONG);
    narrow.close();
    expect(await sent).toEqual({ outcome: 'timeout' });
    expect(await waiting).toEqual({ outcome: 'unreachable' });
    expect(await narrow.request('third', {}, LONG)).toEqual({ outcome: 'unreachable' });
  });

  it('sends no more than OpenSIPS can hold, and goes on though it answers late', async () => {
    const answers = Array.from({ length: 200 }, () => mi.request('slow', {}, LONG));
    await opensips.until(() => opensips.of('slow').length > 0);
    // All that came in one go is what was sent in one go.
    expect(opensips.of('slow').length).toBeLessThanOrEqual(64);
    await opensips.until(() => opensips.of('slow').length === 200);
    for (const { answer } of opensips.of('slow')) answer('OK');
    expect(await Promise.all(answers)).toEqual(answers.map(() => ({ result: 'OK' })));
  });

  it('counts a large request for the room that it takes', async () => {
    const body = 'x'.repeat(7_900);
    const answers = Array.from({ length: 40 }, () => mi.request('slow', { body }, LONG));
    await opensips.until(() => opensips.of('slow').length > 0);
    expect(opensips.of('slow').length).toBeLessThanOrEqual(8);
    await opensips.until(() => opensips.of('slow').length === 40);
    for (const { answer } of opensips.of('slow')) answer('OK');
    expect(await Promise.all(answers)).toEqual(answers.map(() => ({ result: 'OK' })));
  });

  // What Linux took for datagrams of these sizes, in bytes (`rx_queue` of /proc/net/udp).
  it.each([
    [300, 1_280],
    [1_600, 2_304],
    [1_700, 4_352],
    [3_600, 4_352],
    [4_000, 8_448],
    [7_900, 16_640],
    [10_000, 16_640],
  ])(
    'a datagram of %i bytes, which takes %i, is given that much room and no more than twice',
    (bytes, taken) => {
      const room = placesOf('x'.repeat(bytes)) * 2_304;
      expect(room).toBeGreaterThanOrEqual(taken);
      expect(room).toBeLessThan(2 * taken + 1);
    },
  );

  it('gives every request its own answer, in whatever order and manner the answers come', async () => {
    const manner = fc.constantFrom('answer', 'refuse', 'stray then answer', 'text', 'silence');
    await fc.assert(
      fc.asyncProperty(
        fc.array(manner, { minLength: 1, maxLength: 12 }),
        fc.integer(),
        async (manners, seed) => {
          const narrow = new MiClient(4);
          narrow.connectTo(opensips.address);
          opensips.asked.length = 0;
          opensips.behaviours.set('m', ({ id, params, answer, answerText }) => {
            const index = Number(params['index']);
            const error = { code: 404, message: String(index) };
            const act = () => {
              switch (manners[index]) {
                case 'answer':
                  return answer(index);
                case 'refuse':
                  return answerText(JSON.stringify({ jsonrpc: '2.0', id, error }));
                case 'stray then answer':
                  answerText('{"jsonrpc":"2.0","id":"stray","result":-1}');
                  return answer(index);
                case 'text':
                  return answerText(`500 ${index}`);
              }
            };
            // Some at once, some a turn later: answers overtake one another.
            if ((index + seed) % 2 === 0) act();
            else setImmediate(act);
            return undefined;
          });
          const answers = await Promise.all(
            manners.map((how, index) =>
              narrow.request('m', { index }, { timeoutMs: how === 'silence' ? 5 : 60_000, ttlMs: 60_000 }),
            ),
          );
          narrow.close();
          const expected = manners.map((how, index): MiAnswer => {
            if (how === 'silence') return { outcome: 'timeout' };
            if (how === 'text') return { error: { code: 500, message: String(index) } };
            if (how === 'refuse') return { error: { code: 404, message: String(index) } };
            return { result: index };
          });
          expect(answers).toEqual(expected);
        },
      ),
      { numRuns: 50 },
    );
  });
});
