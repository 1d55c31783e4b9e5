import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EviEvent } from '../../shared/opensips/evi.ts';
import { AdapterMessage, parseFrame } from '../../shared/protocol/link.ts';
import { Outbox } from './outbox.ts';

type NumberedMessage = Extract<AdapterMessage, { seq: number }>;

const LARGE_LIMITS = { maxMessages: 1_000, maxBytes: 1_000_000 };
const event = (callid: string): EviEvent => ({
  name: 'E_CALL_HOLD',
  params: { callid, leg: 'caller', action: 'hold', state: 'ok' },
});

/** Returns all messages after `seq`, as the edge parses them. */
function messagesAfter(outbox: Outbox, seq: number, maxFrameLength = 1_000_000): NumberedMessage[] {
  const messages: NumberedMessage[] = [];
  for (let lastSeq = seq; ; ) {
    const frame = outbox.frameAfter(lastSeq, maxFrameLength);
    if (frame === undefined) return messages;
    const parsed = parseFrame(AdapterMessage, frame.text);
    if ('error' in parsed) throw new Error(parsed.error);
    for (const message of parsed.messages) if ('seq' in message) messages.push(message);
    lastSeq = frame.lastSeq;
  }
}

describe('the outbox', () => {
  it('numbers messages from 1, and its base is the oldest that is not acknowledged', () => {
    const outbox = new Outbox(LARGE_LIMITS, () => {});
    expect([outbox.base, outbox.lastSeq]).toEqual([1, 0]);
    outbox.addEvent(event('a'), 0);
    expect(outbox.addReply({ id: 'x', result: null })).toBe(2);
    expect(outbox.acknowledge(1)).toBe(true);
    expect([outbox.base, outbox.lastSeq]).toEqual([2, 2]);
    expect(outbox.acknowledge(2)).toBe(true);
    expect([outbox.base, outbox.lastSeq]).toEqual([3, 2]);
  });

  it('rejects the acknowledgement of a message that was never sent', () => {
    const outbox = new Outbox(LARGE_LIMITS, () => {});
    outbox.addGap('x');
    expect(outbox.acknowledge(2)).toBe(false);
    expect(outbox.acknowledge(-1)).toBe(true);
    expect(outbox.base).toBe(1);
  });

  it('frames a single message as an object and several as an array', () => {
    const outbox = new Outbox(LARGE_LIMITS, () => {});
    outbox.addGap('a');
    expect(outbox.frameAfter(0, 1_000)?.text).toBe('{"type":"gap","seq":1,"reason":"a"}');
    outbox.addGap('b');
    expect(JSON.parse(outbox.frameAfter(0, 1_000)?.text ?? '')).toHaveLength(2);
    expect(outbox.frameAfter(0, 1)).toMatchObject({ lastSeq: 1 });
    expect(outbox.frameAfter(2, 1_000)).toBeUndefined();
  });

  it('reports each message that was added, but not those that were dropped', () => {
    let addedCount = 0;
    const outbox = new Outbox({ maxMessages: 1, maxBytes: 1_000 }, () => {
      addedCount += 1;
    });
    outbox.addEvent(event('a'), 0);
    outbox.addEvent(event('dropped'), 0);
    expect(addedCount).toBe(1);
  });

  it.each([
    ['messages', { maxMessages: 4, maxBytes: 1_000_000 }],
    ['bytes', { maxMessages: 1_000, maxBytes: 500 }],
  ])(
    'drops events at the limit of %s, keeps replies, and adds one gap for all dropped events',
    (_, limits) => {
      const outbox = new Outbox(limits, () => {});
      for (let n = 0; n < 10; n += 1) outbox.addEvent(event(`a${n}`), 0);
      outbox.addGap('meanwhile');
      const keptCount = messagesAfter(outbox, 0).length;
      expect(outbox.droppedCount).toBe(11 - keptCount);
      const replySeq = outbox.addReply({ id: 'x', result: 'OK' });
      expect(replySeq).toBe(keptCount + 1);
      outbox.acknowledge(replySeq);
      expect(outbox.droppedCount).toBe(0);
      outbox.addEvent(event('after'), 0);
      expect(messagesAfter(outbox, replySeq)).toMatchObject([
        { type: 'gap', seq: replySeq + 1, reason: expect.stringContaining(`${11 - keptCount} messages`) },
        { type: 'event', seq: replySeq + 2, params: { callid: 'after' } },
      ]);
    },
  );

  it('has a limit in bytes, whatever the characters', () => {
    const maxBytes = 10_000;
    const outbox = new Outbox({ maxMessages: 1_000, maxBytes }, () => {});
    for (let n = 0; n < 100; n += 1) outbox.addEvent(event('電'.repeat(300)), 0);
    const texts = messagesAfter(outbox, 0).map((message) => JSON.stringify(message));
    expect(Buffer.byteLength(texts.slice(1).join(''))).toBeLessThan(maxBytes);
    expect(Buffer.byteLength(texts.join(''))).toBeGreaterThanOrEqual(maxBytes);
    outbox.acknowledge(outbox.lastSeq);
    for (let n = 0; n < 100; n += 1) outbox.addEvent(event('電'.repeat(300)), 0);
    expect(outbox.lastSeq, 'the gap, and as many as before').toBe(2 * texts.length + 1);
  });

  it('loses no message without a gap, in any sequence of additions, acknowledgements and reads', () => {
    const step = fc.oneof(
      fc.record({ action: fc.constant('event' as const) }),
      fc.record({ action: fc.constant('reply' as const) }),
      fc.record({ action: fc.constant('read' as const), maxFrameLength: fc.integer({ min: 1, max: 500 }) }),
      fc.record({ action: fc.constant('acknowledge' as const), behind: fc.nat(5) }),
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 200 }),
        fc.integer({ min: 1, max: 20 }),
        (steps, maxMessages) => {
          const outbox = new Outbox({ maxMessages, maxBytes: 1_000_000 }, () => {});
          const added: string[] = [];
          const received: NumberedMessage[] = [];
          let applied = 0;
          const readAll = (maxFrameLength: number) => {
            for (const message of messagesAfter(outbox, applied, maxFrameLength)) {
              expect(message.seq).toBe(applied + 1);
              applied = message.seq;
              received.push(message);
            }
          };
          for (const { action, ...options } of steps) {
            const name = `${added.length}`;
            if (action === 'event') {
              outbox.addEvent(event(name), 0);
              added.push(name);
            } else if (action === 'reply') {
              outbox.addReply({ id: name });
              added.push(name);
            } else if ('maxFrameLength' in options) readAll(options.maxFrameLength);
            else if ('behind' in options) outbox.acknowledge(applied - options.behind);
          }
          // At the end everything is acknowledged, so the last gap message is added.
          readAll(100);
          outbox.acknowledge(applied);
          readAll(100);
          const names = received.flatMap((message) =>
            message.type === 'reply' ? [message.id] : message.type === 'event' ? [message.params.callid] : [],
          );
          const droppedCounts = received.flatMap((message) =>
            message.type === 'gap' ? [Number(/(\d+) messages/.exec(message.reason)?.[1])] : [],
          );
          expect(names).toEqual(names.toSorted((a, b) => Number(a) - Number(b)));
          expect(new Set(names).size).toBe(names.length);
          expect(droppedCounts.reduce((sum, n) => sum + n, names.length)).toBe(added.length);
        },
      ),
    );
  });
});
