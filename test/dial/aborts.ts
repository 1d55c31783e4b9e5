/**
 * Something of a dialed site ends again and again in the middle of commands: an object, a process or a connection. What the clients were
 * told is compared with the simulator's ledger.
 * @module
 */
import { phoneUri } from '../harness/client.ts';
import type { AdapterProcess } from '../harness/stack.ts';
import { DialStack } from './harness.ts';

/** A command begins this often, in milliseconds. */
const INTERVAL_MS = 40;
/** After so many commands something ends. */
const COMMANDS_PER_END = 5;
/** How long a proxy is away. */
const PROXY_RESTART_MS = 300;
/** How long the site may take to end legs whose command has ended as unknown: see "Deadlines" in docs/internals/reliability.md. */
const SETTLE_MS = 60_000;

interface CommandAnswer {
  readonly state: string;
  readonly events: readonly { readonly event: string; readonly error?: { readonly code: number } }[];
}

/** The system while it is tested. */
interface Running {
  readonly dialed: DialStack;
  adapter: AdapterProcess;
}

const abort = (name: string, object: string) => (running: Running) =>
  running.dialed.stack.fetch(`/test/abort?class=${name}&name=${object}`, undefined, { method: 'POST' });

/** What ends, and how often at most: what takes seconds to start again ends less often. */
export const ENDS: Readonly<
  Record<string, { readonly end: (running: Running) => Promise<unknown>; readonly share: number }>
> = {
  'the Dialer': { end: abort('Dialer', 'any/0'), share: 1 },
  'the Switchboard': { end: abort('Switchboard', 't1/s1'), share: 1 },
  'the Tenant': { end: abort('Tenant', 't1'), share: 1 },
  'the TCP connection to the adapter': { end: async ({ dialed }) => dialed.listener.breakLink(), share: 1 },
  'the proxy in front of the adapter': {
    async end({ dialed: { listener } }) {
      listener.misbehavior = { respond: (socket) => socket.destroy() };
      listener.breakLink();
      await sleep(PROXY_RESTART_MS);
      listener.misbehavior = {};
    },
    share: 0.5,
  },
  'the adapter (kill -9)': {
    async end(running) {
      await running.adapter.stop('SIGKILL');
      running.adapter = await running.dialed.startAdapter();
    },
    share: 0.25,
  },
  'the whole edge (kill -9)': { end: ({ dialed }) => dialed.stack.restartEdge(), share: 0.25 },
};

export interface AbortsResult {
  /** How often it has ended. */
  readonly ends: number;
  readonly answered: number;
  /** The codes of errors, with the number of commands that ended with each. */
  readonly errors: Readonly<Record<string, number>>;
  readonly invites: number;
  /** What must not be. */
  readonly violations: readonly string[];
}

/** @param what a name of {@link ENDS} */
export async function runAborts(what: string, commandCount: number): Promise<AbortsResult> {
  const ending = ENDS[what];
  if (!ending) throw new Error(`"${what}" does not end here. Use one of: ${Object.keys(ENDS).join(', ')}.`);
  await using dialed = await DialStack.start({ idle_s: 10 }, 'worker/testing/abortable-worker.ts');
  const running: Running = { dialed, adapter: await dialed.startAdapter() };
  const { siteKey, simulator } = dialed.site;
  const request = async (path: string, init?: RequestInit): Promise<CommandAnswer | undefined> => {
    const response = await dialed.stack.fetch(path, siteKey, init).catch(() => undefined);
    return response?.ok ? ((await response.json()) as CommandAnswer) : undefined;
  };
  // Repeated under the same key until it is accepted, as clients do.
  const start = (n: number) =>
    until(() => {
      const body = JSON.stringify({ caller: phoneUri(`alice.${n}x`), callee: phoneUri(`bob.${n}x`) });
      const headers = { 'Idempotency-Key': `command-${n}` };
      return request('/v1/calls', { method: 'POST', headers, body });
    });
  const accepted: Promise<unknown>[] = [];
  const interval = COMMANDS_PER_END / ending.share;
  let ends = 0;
  for (let n = 0; n < commandCount; n++) {
    accepted.push(start(n));
    if (n % interval === interval - 1) {
      ends++;
      await ending.end(running);
    }
    await sleep(INTERVAL_MS);
  }
  await Promise.all(accepted);
  const commands: CommandAnswer[] = [];
  for (let n = 0; n < commandCount; n++) {
    const command = await until(async () => {
      const answer = await request(`/v1/commands/command-${n}`);
      return answer?.state === 'ended' ? answer : undefined;
    });
    commands.push(command);
  }

  const violations: string[] = [];
  const isAnswered = commands.map(({ events }) => events.some(({ event }) => event === 'CalleeAnswered'));
  for (const [n, { events }] of commands.entries()) {
    const count = events.filter(({ event }) => event === 'Ended').length;
    if (count !== 1) violations.push(`command ${n} has ended ${count} times`);
  }
  const { requests, dialogs } = simulator.ledger;
  const repeated = requests.filter(({ id }) => simulator.ledger.countRequests(String(id)) !== 1);
  violations.push(...repeated.map(({ id, method }) => `the request ${id} (${method}) has come again`));
  const invited = requests
    .filter(({ method }) => method === 't_uac_dlg')
    .map(({ params }) => Number(/alice\.(\d+)x/.exec(JSON.stringify(params))?.[1]));
  for (const n of new Set(invited)) {
    const count = invited.filter((each) => each === n).length;
    if (count !== 1) violations.push(`the caller of command ${n} was called ${count} times`);
  }
  for (const [n, answered] of isAnswered.entries())
    if (answered && !invited.includes(n)) violations.push(`command ${n} is answered, but nobody was called`);
  const standing = () =>
    dialogs.filter(({ transferredFrom, state }) => transferredFrom === undefined && state < 5);
  const deadline = Date.now() + SETTLE_MS;
  while (standing().length > 0 && Date.now() < deadline) await sleep(100);
  violations.push(...standing().map(({ callid }) => `the first leg ${callid} is still there`));

  const codes = commands.flatMap(({ events }) => events.flatMap(({ error }) => (error ? [error.code] : [])));
  const errors = Object.fromEntries(
    [...new Set(codes)].map((code) => [code, codes.filter((each) => each === code).length]),
  );
  const answered = isAnswered.filter(Boolean).length;
  return { ends, answered, errors, invites: invited.length, violations };
}

/** Asks at intervals that no rate limit refuses for long. */
async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await sleep(100);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
