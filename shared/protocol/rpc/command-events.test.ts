import fc from 'fast-check';
import { expect, it } from 'vitest';
import { echoEvents } from '../../commands/echo.ts';
import { scenario } from '../../testing/scenarios.ts';
import { SiteSimulation } from '../../testing/site-simulation.ts';
import { commandEvents, commandNotificationSchema } from './command-events.ts';
import type { CommandMethod } from './commands.ts';
import { notification } from './jsonrpc.ts';

/** Enough for every event to occur many times. */
const SCENARIOS = 200;
/** The scenarios are the same in every run. */
const SEED = 1;

const methods = Object.keys(commandEvents) as CommandMethod[];

const echoes = echoEvents({ text: 'hello' }).map(({ event, ...rest }) => ({
  method: 'Echo' as const,
  event,
  message: notification('Echo', { cmd_id: 'echo', event, ...rest }),
}));

interface Sent {
  readonly method: CommandMethod;
  readonly event: string;
  readonly message: object;
}

/** Returns all notifications that clients receive in random scenarios. */
function notificationsOfScenarios(): Sent[] {
  return fc.sample(scenario, { seed: SEED, numRuns: SCENARIOS }).flatMap((sample) => {
    const simulation = new SiteSimulation(sample);
    simulation.run();
    return simulation.records.flatMap(({ command: { method, cmdId }, notifications }) =>
      notifications.map(({ event, ...rest }) => {
        const message = notification(method, { cmd_id: cmdId, event, ...rest });
        return { method, event, message: JSON.parse(JSON.stringify(message)) as object };
      }),
    );
  });
}

it('the commands send exactly the documented events', () => {
  const schemas = new Map(methods.map((method) => [method, commandNotificationSchema(method)]));
  const sent = new Set<string>();
  for (const { method, event, message } of [...echoes, ...notificationsOfScenarios()]) {
    sent.add(`${method} ${event}`);
    // Parsing removes undocumented fields.
    expect(schemas.get(method)?.parse(message), `${method} ${event}`).toEqual(message);
  }
  const documented = methods.flatMap((method) => {
    const events = Object.keys(commandEvents[method]);
    return [...events, ...(method === 'Echo' ? [] : ['Error'])].map((event) => `${method} ${event}`);
  });
  expect([...sent].sort()).toEqual(documented.sort());
}, 60_000);
