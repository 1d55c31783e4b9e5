/** The clock of a test: frozen, and moved by the test alone. @module */
import { vi } from 'vitest';

/** Freezes the clock at a whole second, the unit of the expiry of tokens. `vi.useRealTimers` ends it. */
export function freezeClock(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Math.ceil(Date.now() / 1_000) * 1_000 });
}

/** Moves the clock forward, and freezes it there. */
export function advanceClock(ms: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
}
