import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AtMostOnceGuard } from './at-most-once.ts';

describe('the at-most-once guard', () => {
  it('reports an id as new only once until its reply is acknowledged', () => {
    const guard = new AtMostOnceGuard(10);
    expect(guard.begin('a')).toBe('new');
    expect(guard.begin('a')).toBe('duplicate');
    guard.onReplied('a', 7);
    guard.onAcknowledged(6);
    expect(guard.begin('a')).toBe('duplicate');
    guard.onAcknowledged(7);
    expect(guard.begin('a')).toBe('new');
  });

  it('is full at its limit, and has room again after an acknowledgement', () => {
    const guard = new AtMostOnceGuard(2);
    guard.begin('a');
    guard.begin('b');
    expect(guard.begin('c')).toBe('full');
    expect(guard.begin('a')).toBe('duplicate');
    guard.onReplied('b', 1);
    guard.onAcknowledged(1);
    expect(guard.begin('c')).toBe('new');
  });

  it('never runs an unacknowledged id twice, in any sequence of calls', () => {
    const step = fc.record({
      id: fc.constantFrom('a', 'b', 'c'),
      action: fc.constantFrom('request', 'reply', 'acknowledge'),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const guard = new AtMostOnceGuard(10);
        const open = new Map<string, number | 'running'>();
        let seq = 0;
        for (const { id, action } of steps) {
          if (action === 'request') {
            expect(guard.begin(id)).toBe(open.has(id) ? 'duplicate' : 'new');
            if (!open.has(id)) open.set(id, 'running');
          } else if (action === 'reply' && open.get(id) === 'running') {
            seq += 1;
            open.set(id, seq);
            guard.onReplied(id, seq);
          } else if (action === 'acknowledge') {
            guard.onAcknowledged(seq);
            for (const [openId, state] of open) if (state !== 'running') open.delete(openId);
          }
        }
      }),
    );
  });
});
