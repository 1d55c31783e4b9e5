import { describe, expect, it } from 'vitest';
import { lackOf } from './features.ts';

const leg = { callid: 'c1', leg: 'caller' };

describe('holding one leg alone', () => {
  it.each([
    'OpenSIPS (4.0.1 (x86_64/linux))',
    'OpenSIPS (4.0.0-beta (x86_64/linux))',
    'OpenSIPS (10.2.0 (x86_64/linux))',
  ])('is there in %s', (version) => {
    expect(lackOf(leg, 'CallHold', version)).toBeUndefined();
    expect(lackOf(leg, 'CallUnhold', version)).toBeUndefined();
  });

  it('is not there in 3.6: the client is told which version has it, and what to do', () => {
    expect(lackOf(leg, 'CallHold', 'OpenSIPS (3.6.8 (x86_64/linux))')).toBe(
      'leg: OpenSIPS 3.6.8 cannot hold or unhold one leg alone, which needs 4.0 or newer; leave leg out to ask for both',
    );
  });

  it.each(['', 'something else'])('cannot be promised for the version %j', (version) => {
    expect(lackOf(leg, 'CallHold', version)).toMatch(/not known yet/);
  });
});

it('what every OpenSIPS has is never lacking, nor is the leg of a transfer', () => {
  expect(lackOf({ callid: 'c1' }, 'CallHold', '')).toBeUndefined();
  expect(lackOf(leg, 'CallBlindTransfer', 'OpenSIPS (3.6.8 (x86_64/linux))')).toBeUndefined();
});
