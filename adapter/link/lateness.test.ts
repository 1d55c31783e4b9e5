import { describe, expect, it } from 'vitest';
import { Lateness, withoutLostTime } from './lateness.ts';

const request = {
  type: 'mi',
  id: 'a',
  method: 't_uac_dlg',
  params: {},
  timeout_ms: 180_000,
  ttl_ms: 180_000,
} as const;

describe('lateness', () => {
  it.each([0, 1_000_000, -1_000_000])(
    'does not depend on the difference of the clocks: %i ms',
    (difference) => {
      const lateness = new Lateness();
      expect(lateness.of(1_000 + difference, 1_020)).toBe(0);
      expect(lateness.of(2_000 + difference, 2_010)).toBe(0);
      expect(lateness.of(3_000 + difference, 9_010)).toBe(6_000);
      expect(lateness.of(undefined, 20_000)).toBe(0);
    },
  );
});

describe('a request that may have been held back together with the `welcome`', () => {
  it('counts from `hello`, and later ones from the `welcome`', () => {
    const lateness = new Lateness();
    lateness.onWelcome(1_000, 500_000, 9_000);
    expect(lateness.of(500_100, 9_000)).toBe(7_900);
    // The one before was 100 ms faster than the `welcome`.
    expect(lateness.of(508_001, 17_001)).toBe(100);
  });
});

describe('a late request', () => {
  it('has less time to be sent', () => {
    expect(withoutLostTime({ ...request, send_within_ms: 5_000 }, 2_000)).toMatchObject({
      timeout_ms: 180_000,
      ttl_ms: 178_000,
      send_within_ms: 3_000,
    });
  });

  it('has no time to live if it should have been sent by now', () => {
    expect(withoutLostTime({ ...request, send_within_ms: 5_000 }, 5_000)).toMatchObject({ ttl_ms: 0 });
  });

  it('is as it was if it is not late', () => {
    expect(withoutLostTime(request, 0)).toBe(request);
  });
});
