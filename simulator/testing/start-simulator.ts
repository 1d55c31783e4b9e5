/** A simulator for one test, with a client that has subscribed to its events. @module */
import { afterEach } from 'vitest';
import { type Simulator, type SimulatorOptions, startSimulator } from '../index.ts';
import { TestClient } from './test-client.ts';

/** The timers of OpenSIPS, short enough to wait for. */
export const SHORT_TIMERS = { frTimeoutMs: 40, frInvTimeoutMs: 200 } as const;

/** Returns a function that starts a simulator, which is closed after the test. */
export function useSimulators(): (options?: SimulatorOptions) => Promise<[Simulator, TestClient]> {
  const opened: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((resource) => resource.close()));
  });
  return async (options = {}) => {
    const simulator = await startSimulator({ delayFactor: 0, ...options });
    const client = await TestClient.open(simulator.mi);
    opened.push(simulator, client);
    await client.subscribe();
    return [simulator, client];
  };
}
