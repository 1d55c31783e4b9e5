import { expect, test } from 'vitest';
import { BARESIP_PHONE, behaviorOf, KEEP_PHONE } from './behavior.ts';

test('the user selects the behavior; the part after a dot or a plus is ignored', () => {
  expect(behaviorOf('alice')).toBe(BARESIP_PHONE);
  expect(behaviorOf('somebody-else')).toBe(BARESIP_PHONE);
  expect(behaviorOf('keep.17')).toBe(KEEP_PHONE);
  expect(behaviorOf('keep+17.4')).toBe(KEEP_PHONE);
  expect(behaviorOf('nobody.3').scriptRefusal).toBe('404 Not Found');
});

test('answer-N and ring-N answer after N milliseconds', () => {
  expect(behaviorOf('answer-2000').onInvite).toEqual({ kind: 'answer', afterMs: 2_000 });
  expect(behaviorOf('ring-35.7').onInvite).toEqual({ kind: 'answer', afterMs: 35 });
  expect(behaviorOf('ring').onInvite).toEqual({ kind: 'ring' });
});

test('overrides take precedence over names, and an override of one user over that of its name', () => {
  const overrides = { alice: KEEP_PHONE, 'alice.2': BARESIP_PHONE };
  expect(behaviorOf('alice.1', overrides)).toBe(KEEP_PHONE);
  expect(behaviorOf('alice.2', overrides)).toBe(BARESIP_PHONE);
});
