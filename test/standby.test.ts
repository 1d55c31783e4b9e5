/** Two adapters serve one site: the standby takes over when the active one is killed, hangs or is stopped. */
import { expect, it } from 'vitest';
import { type Client, callidOf, eventNames, type Notification, phoneUri } from './harness/client.ts';
import { COMPLETE, RingingCalls } from './harness/ringing-calls.ts';
import {
  type AdapterProcess,
  type Stack,
  type StackOptions,
  startStack,
  waitUntil,
} from './harness/stack.ts';

const CALLS = 100;
const CONNECTED = 'Connected to the edge as standby';
const TOOK_OVER = 'This adapter serves the site from now on';

interface TwoAdapters extends AsyncDisposable {
  readonly stack: Stack;
  readonly client: Client;
  readonly active: AdapterProcess;
  readonly standby: AdapterProcess;
}

async function startTwo(options: StackOptions = {}): Promise<TwoAdapters> {
  const stack = await startStack({ startsAdapter: false, ...options });
  const active = await stack.startAdapter({ ADAPTER_NAME: 'one' });
  await stack.waitForLink(true);
  const standby = await stack.startAdapter({ ADAPTER_NAME: 'two' });
  await waitUntil(() => standby.log().includes(CONNECTED));
  const client = await stack.connectClient();
  return { stack, client, active, standby, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() };
}

/** Checks with the ledger that each phone was called once, that each request came once, and that no first leg is left. */
async function expectEachOnce({ simulator, fetchHealth }: Stack, invites: number): Promise<void> {
  const { requests, dialogs } = simulator.ledger;
  expect(requests.filter(({ method }) => method === 't_uac_dlg')).toHaveLength(invites);
  expect(requests.filter(({ id }) => simulator.ledger.countRequests(String(id)) !== 1)).toEqual([]);
  await expect.poll(async () => (await fetchHealth()).running).toBe(0);
  const firstLegs = dialogs.filter(({ transferredFrom }) => transferredFrom === undefined);
  expect(firstLegs.filter(({ state }) => state < 5).map(({ callid }) => callid)).toEqual([]);
}

it(`completes ${CALLS} ringing calls although the active adapter is killed`, {
  timeout: 120_000,
}, async ({ annotate }) => {
  await using two = await startTwo();
  const { client, stack, active, standby } = two;
  const calls = await RingingCalls.start(client, [stack.simulator], CALLS);
  const killedAt = Date.now();
  active.process.kill('SIGKILL');
  await waitUntil(() => standby.log().includes(TOOK_OVER));
  await annotate(`took over after ${Date.now() - killedAt} ms`);
  calls.answer();
  for (const run of calls.runs) expect(eventNames(await run.ended).join(' ')).toMatch(COMPLETE);
  await expectEachOnce(stack, CALLS);
});

it(`completes ${CALLS} ringing calls although the active adapter hangs, and it is the standby when it goes on`, {
  timeout: 180_000,
}, async ({ annotate }) => {
  await using two = await startTwo({ timers: { frInvTimeoutMs: 90_000 } });
  const { client, stack, active, standby } = two;
  const calls = await RingingCalls.start(client, [stack.simulator], CALLS);
  const stoppedAt = Date.now();
  active.process.kill('SIGSTOP');
  // Half of the phones answer while no adapter tells it.
  calls.answer((n) => n % 2 === 0);
  // No request, so that only the alarm of the site can notice it.
  await waitUntil(() => standby.log().includes(TOOK_OVER));
  await annotate(`took over after ${Date.now() - stoppedAt} ms`);
  active.process.kill('SIGCONT');
  await waitUntil(() => active.log().includes(CONNECTED));
  calls.answer();
  for (const run of calls.runs) expect(eventNames(await run.ended).join(' ')).toMatch(COMPLETE);
  await expectEachOnce(stack, CALLS);
  standby.process.kill('SIGKILL');
  await waitUntil(() => active.log().includes(TOOK_OVER));
  const params = { caller: phoneUri('alice'), callee: phoneUri('bob') };
  expect(eventNames(await client.runToEnd('CallStart', params)).join(' ')).toMatch(/CalleeAnswered Ended$/);
  await expectEachOnce(stack, CALLS + 1);
});

it('fails no command when the active adapter is stopped, again and again, while another one waits', {
  timeout: 120_000,
}, async () => {
  await using two = await startTwo();
  const { client, stack } = two;
  const LINES = 16;
  const STOPS = 6;
  let areStopsDone = false;
  let [active, standby] = [two.active, two.standby];
  const failures: string[] = [];
  const run = async (method: string, params: object): Promise<Notification[]> => {
    const { result, error } = await client.request(method, params);
    if (!result) failures.push(`${method}: ${JSON.stringify(error)}`);
    return result ? client.waitForEnd(result.cmd_id) : [];
  };
  let calls = 0;
  /** Makes a call, and runs one command after the other on it, until all stops are done. */
  const line = async (index: number): Promise<void> => {
    while (!areStopsDone) {
      const parties = { caller: phoneUri(`answer-300.${index}`), callee: phoneUri(`keep.${index}`) };
      const started = await run('CallStart', parties);
      calls++;
      const callid = callidOf(started, 'CalleeAnswered');
      for (const method of ['CallHold', 'CallUnhold', 'CallEnd']) await run(method, { callid });
    }
  };
  const lines = Array.from({ length: LINES }, (_, index) => line(index));
  for (let n = 0; n < STOPS; n++) {
    const next = await stack.startAdapter({ ADAPTER_NAME: `next-${n}` });
    await waitUntil(() => next.log().includes(CONNECTED));
    await active.stop();
    await waitUntil(() => standby.log().includes(TOOK_OVER));
    [active, standby] = [standby, next];
  }
  areStopsDone = true;
  await Promise.all(lines);
  expect(failures).toEqual([]);
  const errors = client.notifications.filter(({ event }) => event === 'Error');
  expect(errors).toEqual([]);
  await expectEachOnce(stack, calls);
});
