import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EviEvent } from '../shared/evi.ts';
import { FromAdapter, parseFrame } from '../shared/link.ts';
import { Outbox } from './outbox.ts';

type Numbered = Extract<FromAdapter, { seq: number }>;

const ROOMY = { messages: 1_000, bytes: 1_000_000 };
const event = (callid: string): EviEvent => ({
  name: 'E_CALL_HOLD',
  params: { callid, leg: 'caller', action: 'hold', state: 'ok' },
});

/** All that follows `seq`, as the edge reads it. */
function read(outbox: Outbox, seq: number, size = 1_000_000): Numbered[] {
  const messages: Numbered[] = [];
  for (let at = seq; ; ) {
    const frame = outbox.frameAfter(at, size);
    if (frame === undefined) return messages;
    const parsed = parseFrame(FromAdapter, frame.text);
    if ('error' in parsed) throw new Error(parsed.error);
    for (const message of parsed.messages) if ('seq' in message) messages.push(message);
    at = frame.last;
  }
}

describe('the outbox', () => {
  it('numbers from 1 and begins at what is not acknowledged', () => {
    const outbox = new Outbox(ROOMY, () => {});
    expect([outbox.base, outbox.last]).toEqual([1, 0]);
    outbox.event(event('a'), 0);
    expect(outbox.reply({ id: 'x', result: null })).toBe(2);
    expect(outbox.ack(1)).toBe(true);
    expect([outbox.base, outbox.last]).toEqual([2, 2]);
    expect(outbox.ack(2)).toBe(true);
    expect([outbox.base, outbox.last]).toEqual([3, 2]);
  });

  it('knows an ack of what was never sent', () => {
    const outbox = new Outbox(ROOMY, () => {});
    outbox.gap('x');
    expect(outbox.ack(2)).toBe(false);
    expect(outbox.ack(-1)).toBe(true);
    expect(outbox.base).toBe(1);
  });

  it('puts one message bare into a frame, and several as an array', () => {
    const outbox = new Outbox(ROOMY, () => {});
    outbox.gap('a');
    expect(outbox.frameAfter(0, 1_000)?.text).toBe('{"type":"gap","seq":1,"reason":"a"}');
    outbox.gap('b');
    expect(JSON.parse(outbox.frameAfter(0, 1_000)?.text ?? '')).toHaveLength(2);
    expect(outbox.frameAfter(0, 1)).toMatchObject({ last: 1 });
    expect(outbox.frameAfter(2, 1_000)).toBeUndefined();
  });

  it('says each thing that has grown', () => {
    let grown = 0;
    const outbox = new Outbox({ messages: 1, bytes: 1_000 }, () => {
      grown += 1;
    });
    outbox.event(event('a'), 0);
    outbox.event(event('dropped'), 0);
    expect(grown).toBe(1);
  });

  it.each([
    ['messages', { messages: 4, bytes: 1_000_000 }],
    ['bytes', { messages: 1_000, bytes: 500 }],
  ])('full of %s it drops events, keeps replies, and one gap stands for what was lost', (_, limits) => {
    const outbox = new Outbox(limits, () => {});
    for (let n = 0; n < 10; n += 1) outbox.event(event(`a${n}`), 0);
    outbox.gap('meanwhile');
    const kept = read(outbox, 0).length;
    expect(outbox.lost).toBe(11 - kept);
    const reply = outbox.reply({ id: 'x', result: 'OK' });
    expect(reply).toBe(kept + 1);
    outbox.ack(reply);
    expect(outbox.lost).toBe(0);
    outbox.event(event('after'), 0);
    expect(read(outbox, reply)).toMatchObject([
      { type: 'gap', seq: reply + 1, reason: expect.stringContaining(`${11 - kept} messages`) },
      { type: 'event', seq: reply + 2, params: { callid: 'after' } },
    ]);
  });

  it('loses nothing silently, whatever is added, acknowledged and read again', () => {
    const step = fc.oneof(
      fc.record({ does: fc.constant('event' as const) }),
      fc.record({ does: fc.constant('reply' as const) }),
      fc.record({ does: fc.constant('read' as const), size: fc.integer({ min: 1, max: 500 }) }),
      fc.record({ does: fc.constant('ack' as const), behind: fc.nat(5) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 20 }), (steps, messages) => {
        const outbox = new Outbox({ messages, bytes: 1_000_000 }, () => {});
        const added: string[] = [];
        const got: Numbered[] = [];
        let applied = 0;
        const drain = (size: number) => {
          for (const message of read(outbox, applied, size)) {
            expect(message.seq).toBe(applied + 1);
            applied = message.seq;
            got.push(message);
          }
        };
        for (const { does, ...how } of steps) {
          const name = `${added.length}`;
          if (does === 'event') {
            outbox.event(event(name), 0);
            added.push(name);
          } else if (does === 'reply') {
            outbox.reply({ id: name });
            added.push(name);
          } else if ('size' in how) drain(how.size);
          else if ('behind' in how) outbox.ack(applied - how.behind);
        }
        // In the end all is acknowledged, and the last gap comes.
        drain(100);
        outbox.ack(applied);
        drain(100);
        const names = got.flatMap((message) =>
          message.type === 'reply' ? [message.id] : message.type === 'event' ? [message.params.callid] : [],
        );
        const lost = got.flatMap((message) =>
          message.type === 'gap' ? [Number(/(\d+) messages/.exec(message.reason)?.[1])] : [],
        );
        expect(names).toEqual(names.toSorted((a, b) => Number(a) - Number(b)));
        expect(new Set(names).size).toBe(names.length);
        expect(lost.reduce((sum, n) => sum + n, names.length)).toBe(added.length);
      }),
    );
  });
});
