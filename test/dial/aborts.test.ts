/** Each object, and the whole edge, ends in the middle of commands of a dialed site: each command ends once, and nothing runs twice. */
import { expect, it } from 'vitest';
import { phoneUri } from '../harness/client.ts';
import { DialStack } from './harness.ts';

const COMMANDS = 60;
/** A command begins this often, in milliseconds, and something ends every fifth time. */
const INTERVAL_MS = 40;
const ABORT_EVERY = 5;

interface CommandAnswer {
  readonly state: string;
  readonly events: readonly { readonly event: string }[];
}

const abort = (name: string, object: string) => (dialed: DialStack) =>
  dialed.stack.fetch(`/test/abort?class=${name}&name=${object}`, undefined, { method: 'POST' });

it.each<[string, (dialed: DialStack) => Promise<unknown>, number]>([
  ['the Dialer', abort('Dialer', 'any/0'), 12],
  ['the Switchboard', abort('Switchboard', 't1/s1'), 12],
  ['the Tenant', abort('Tenant', 't1'), 12],
  ['the TCP connection to the adapter', async ({ listener }) => listener.breakLink(), 12],
  ['the whole edge', ({ stack }) => stack.restartEdge(), 3],
])('ends each command once although %s ends', { timeout: 180_000 }, async (_, end, times) => {
  await using dialed = await DialStack.start({ idle_s: 10 }, 'worker/testing/abortable-worker.ts');
  await dialed.startAdapter();
  const { siteKey, simulator } = dialed.site;
  const request = async (path: string, init?: RequestInit): Promise<CommandAnswer | undefined> => {
    const response = await dialed.stack.fetch(path, siteKey, init).catch(() => undefined);
    return response?.ok ? ((await response.json()) as CommandAnswer) : undefined;
  };
  // Repeated under the same key until it is accepted, as clients do.
  const start = (n: number) =>
    until(async () => {
      const body = JSON.stringify({ caller: phoneUri(`alice.${n}x`), callee: phoneUri(`bob.${n}x`) });
      const headers = { 'Idempotency-Key': `command-${n}` };
      return request('/v1/calls', { method: 'POST', headers, body });
    });
  const accepted: Promise<unknown>[] = [];
  let ended = 0;
  for (let n = 0; n < COMMANDS; n++) {
    accepted.push(start(n));
    if (n % ABORT_EVERY === ABORT_EVERY - 1 && ended < times) {
      ended += 1;
      await end(dialed);
    }
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  }
  await Promise.all(accepted);
  const commands: CommandAnswer[] = [];
  for (let n = 0; n < COMMANDS; n++) {
    const isEnded = async () => {
      const command = await request(`/v1/commands/command-${n}`);
      return command?.state === 'ended' ? command : undefined;
    };
    commands.push(await until(isEnded));
  }
  expect(ended).toBe(times);
  for (const { events } of commands) expect(events.filter(({ event }) => event === 'Ended')).toHaveLength(1);
  const invites = simulator.ledger.requests.filter(({ method }) => method === 't_uac_dlg');
  const callers = invites.map(({ params }) => /alice\.\d+x/.exec(JSON.stringify(params))?.[0]);
  expect(new Set(callers).size).toBe(callers.length);
  // A command whose request had no answer may have failed, but most must have worked.
  const answered = commands.filter(({ events }) => events.some(({ event }) => event === 'CalleeAnswered'));
  expect(answered.length).toBeGreaterThan(COMMANDS / 2);
  // Every caller whose command has answered was called exactly once.
  expect(callers.length).toBeGreaterThanOrEqual(answered.length);
});

/** Asks at intervals that no rate limit refuses. The timeout of the test limits the wait. */
async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
