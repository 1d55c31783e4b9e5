/** Assertions about phones, which may change shortly after a notification or a reply. @module */
import { expect, vi } from 'vitest';
import type { Phone } from './phone.ts';

/** Retries an assertion until it holds. */
export const eventually = (assertion: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(assertion, { timeout: 5_000, interval: 5 });

/**
 * Asserts that a phone has exactly these answered calls, or is idle if there are none, and that no BYE was refused.
 */
export const expectCalls = (phone: Phone, ...callids: string[]): Promise<void> =>
  eventually(() => {
    const { answeredCalls, isIdle, refusedByes } = phone;
    expect({ answeredCalls, isIdle, refusedByes }).toEqual({
      answeredCalls: callids,
      isIdle: callids.length === 0,
      refusedByes: [],
    });
  });
