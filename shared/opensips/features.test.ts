import { describe, expect, it } from 'vitest';
import { unsupportedReason } from './features.ts';

const singleLeg = { callid: 'c1', leg: 'caller' };

describe('holding a single leg', () => {
  it.each([
    'OpenSIPS (4.0.1 (x86_64/linux))',
    'OpenSIPS (4.0.0-beta (x86_64/linux))',
    'OpenSIPS (10.2.0 (x86_64/linux))',
  ])('is supported by %s', (version) => {
    expect(unsupportedReason(singleLeg, 'CallHold', { version: version })).toBeUndefined();
    expect(unsupportedReason(singleLeg, 'CallUnhold', { version: version })).toBeUndefined();
  });

  it('is not supported by 3.6: the client learns which version it needs, and what to do', () => {
    expect(unsupportedReason(singleLeg, 'CallHold', { version: 'OpenSIPS (3.6.8 (x86_64/linux))' })).toBe(
      'leg: callops of OpenSIPS 3.6.8 cannot hold or unhold a single leg. Use OpenSIPS 4.0 or later, an adapter with --engine auto, or leave leg out to change both legs.',
    );
  });

  it.each(['', 'something else'])('is rejected while the version is unknown: %j', (version) => {
    expect(unsupportedReason(singleLeg, 'CallHold', { version: version })).toMatch(/not known yet/);
  });
});

it('every version supports holding both legs, and the leg of a transfer', () => {
  expect(unsupportedReason({ callid: 'c1' }, 'CallHold', { version: '' })).toBeUndefined();
  expect(
    unsupportedReason(singleLeg, 'CallBlindTransfer', { version: 'OpenSIPS (3.6.8 (x86_64/linux))' }),
  ).toBeUndefined();
});
