import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AtMostOnce } from './at-most-once.ts';

describe('at most once', () => {
  it('an id is new once, until its reply is acknowledged', () => {
    const requests = new AtMostOnce(10);
    expect(requests.begin('a')).toBe('new');
    expect(requests.begin('a')).toBe('known');
    requests.answered('a', 7);
    requests.acknowledged(6);
    expect(requests.begin('a')).toBe('known');
    requests.acknowledged(7);
    expect(requests.begin('a')).toBe('new');
  });

  it('takes no more than its limit, and more again after an ack', () => {
    const requests = new AtMostOnce(2);
    requests.begin('a');
    requests.begin('b');
    expect(requests.begin('c')).toBe('full');
    expect(requests.begin('a')).toBe('known');
    requests.answered('b', 1);
    requests.acknowledged(1);
    expect(requests.begin('c')).toBe('new');
  });

  it('never runs an unacknowledged id twice, whatever comes', () => {
    const step = fc.record({
      id: fc.constantFrom('a', 'b', 'c'),
      does: fc.constantFrom('ask', 'answer', 'ack'),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const requests = new AtMostOnce(10);
        const open = new Map<string, number | 'running'>();
        let seq = 0;
        for (const { id, does } of steps) {
          if (does === 'ask') {
            expect(requests.begin(id)).toBe(open.has(id) ? 'known' : 'new');
            if (!open.has(id)) open.set(id, 'running');
          } else if (does === 'answer' && open.get(id) === 'running') {
            seq += 1;
            open.set(id, seq);
            requests.answered(id, seq);
          } else if (does === 'ack') {
            requests.acknowledged(seq);
            for (const [known, reply] of open) if (reply !== 'running') open.delete(known);
          }
        }
      }),
    );
  });
});
