/** One term for one thing: the names of the code are the terms of the field. */
import { expect, it } from 'vitest';
import { foreignNames } from './check.ts';
import { declaredNames } from './declared-names.ts';

it('declares no symbol, file, table or column with a word that is not the field’s', () => {
  const declared = declaredNames();
  expect(declared.filter(({ kind }) => kind === 'symbol').length).toBeGreaterThan(10_000);
  expect(declared.filter(({ kind }) => kind === 'table').length).toBeGreaterThan(10);
  expect(foreignNames(declared)).toEqual([]);
});

it.each([
  [{ name: 'isAdmitted', kind: 'symbol', place: 'a.ts:1' }, 'principal'],
  [{ name: 'hand_over_told', kind: 'column', place: 'a.ts:1' }, 'notifications'],
  [{ name: 'worker/webhooks/lane.ts', kind: 'file', place: 'worker/webhooks/lane.ts' }, 'rename this file'],
] as const)('finds %o', (declared, hint) => {
  expect(foreignNames([declared]).join()).toContain(hint);
});
