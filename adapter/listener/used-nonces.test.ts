import { expect, it } from 'vitest';
import { UsedNonces } from './used-nonces.ts';

it('takes each nonce once until its token has expired', () => {
  const nonces = new UsedNonces();
  expect(nonces.use('a', 160, 100)).toBe('new');
  expect(nonces.use('a', 160, 159)).toBe('used');
  expect(nonces.use('b', 160, 159)).toBe('new');
});

it('is bounded: while no token has expired it takes no more, and forgets none', () => {
  const nonces = new UsedNonces(2);
  nonces.use('a', 110, 100);
  nonces.use('b', 160, 100);
  expect(nonces.use('c', 160, 109)).toBe('full');
  expect(nonces.use('a', 110, 109)).toBe('used');
  expect(nonces.use('c', 170, 110)).toBe('new');
  expect(nonces.use('b', 160, 110)).toBe('used');
});
