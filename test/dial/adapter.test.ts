/** The real adapter as a listener that the edge dials: its token, its proof, its knocks, and how both ends survive the other's death. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { eventNames, phoneUri } from '../harness/client.ts';
import { type AdapterProcess, findFreePort, spawnAdapter, waitUntil } from '../harness/stack.ts';
import { DialStack } from './harness.ts';

const parties = { caller: phoneUri('alice'), callee: phoneUri('bob') };

/** A site whose link leads to an adapter that listens. */
class ListeningAdapter implements AsyncDisposable {
  readonly dialed: DialStack;
  readonly #env: Readonly<Record<string, string>>;
  readonly #adapters: AdapterProcess[] = [];

  private constructor(dialed: DialStack, env: Readonly<Record<string, string>>) {
    this.dialed = dialed;
    this.#env = env;
  }

  static async start(env: Record<string, string> = {}): Promise<ListeningAdapter> {
    const dialed = await DialStack.start();
    const port = await findFreePort();
    const url = `http://127.0.0.1:${port}/adapter`;
    await dialed.setLink({ mode: 'dial', url, idle_s: 10 });
    const { simulator, adapterKey } = dialed.site;
    const listening = new ListeningAdapter(dialed, {
      OPENSIPS_MI: `${simulator.mi.host}:${simulator.mi.port}`,
      EDGE_URL: `ws://127.0.0.1:${dialed.stack.port}/adapter`,
      ADAPTER_KEY: adapterKey,
      ADAPTER_NAME: 'listening',
      ADAPTER_LISTEN: `127.0.0.1:${port}`,
      ADAPTER_PUBLIC_URL: url,
      SIP_NEXT_HOP: 'sip:127.0.0.1:5060',
      LOG_LEVEL: 'debug',
      ...env,
    });
    await listening.startAdapter();
    return listening;
  }

  /** Starts an adapter, also after the last one has ended, and waits until it listens. */
  async startAdapter(): Promise<AdapterProcess> {
    const adapter = spawnAdapter(this.#env);
    this.#adapters.push(adapter);
    await waitUntil(() => adapter.log().includes('Listening for the edge'));
    return adapter;
  }

  /** The adapter that was started last. */
  get adapter(): AdapterProcess {
    const adapter = this.#adapters.at(-1);
    if (!adapter) throw new Error('No adapter was started');
    return adapter;
  }

  /** Runs `--check` with the same settings. */
  async check(): Promise<{ readonly output: string; readonly status: number }> {
    const env = { ...process.env, ...this.#env };
    const child = spawn(process.execPath, ['adapter/main.ts', '--check'], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    const output = await text(child.stdout);
    const [status] = await exited;
    return { output, status: Number(status) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#adapters.map((adapter) => adapter.stop('SIGKILL')));
    await this.dialed[Symbol.asyncDispose]();
  }
}

it('is dialed for a command, tells by knocks what happens later, and says goodbye', async () => {
  await using listening = await ListeningAdapter.start();
  const { dialed } = listening;
  const client = await dialed.connectClient();
  const start = await client.start('CallStart', parties);
  expect(eventNames(await start.ended)).toContain('CalleeAnswered');
  expect(await dialed.link()).toMatchObject({ connected: true, adapter: 'listening' });
  await client.runToEnd('CallEnd', { callid: start.cmdId });
  await waitUntil(async () => !(await dialed.link()).connected);
  await waitUntil(() => listening.adapter.log().includes('Nobody needs the link'));
  // A call of somebody else: the edge learns of it without a link.
  await dialed.site.simulator.dial({ from: 'sip:carol@127.0.0.1:5060', to: 'sip:bob@127.0.0.1:5060' });
  await waitUntil(() => listening.adapter.log().includes('Knocked at the edge'));
  await listening.adapter.stop();
  await waitUntil(() => listening.adapter.log().includes('"msg":"Stopped."'));
});

it('finds no fault with --check, while an adapter runs and without one', async () => {
  await using listening = await ListeningAdapter.start();
  const running = await listening.check();
  expect(running.output).not.toContain('✗');
  expect(running.output).toMatch(
    /✓ jwks .*\n· cert .*\n· listen .*maybe this adapter\.\n✓ public .*leads to a listener/,
  );
  expect(running.status).toBe(0);
  await listening.adapter.stop();
  const alone = await listening.check();
  expect(alone.output).toMatch(/✓ listen .*\n✓ public .*leads to this listener/);
});

it('is dialed again when its process was killed in the middle of commands, and no phone gets a second call', async () => {
  await using listening = await ListeningAdapter.start();
  const { dialed } = listening;
  const { simulator } = dialed.site;
  const client = await dialed.connectClient();
  const commands = [];
  for (let n = 0; n < 20; n += 1) {
    const numbered = { caller: phoneUri(`alice.${n}x`), callee: phoneUri(`bob.${n}x`) };
    commands.push(await client.start('CallStart', numbered));
    if (n % 7 !== 6) continue;
    await listening.adapter.stop('SIGKILL');
    await listening.startAdapter();
  }
  for (const { ended } of commands)
    expect(eventNames(await ended).filter((name) => name === 'Ended')).toHaveLength(1);
  const callers = simulator.ledger.requests
    .filter(({ method }) => method === 't_uac_dlg')
    .map(({ params }) => /alice\.\d+x/.exec(JSON.stringify(params))?.[0]);
  expect(callers.length).toBeGreaterThan(0);
  expect(new Set(callers).size).toBe(callers.length);
});

it('runs nothing for a site with another key, and both sides say why', async () => {
  const other = 'ca.k1.adapter.t1.foreign.secret-secret-secret-secret.mac';
  await using listening = await ListeningAdapter.start({ ADAPTER_KEY: other });
  const { dialed } = listening;
  const client = await dialed.connectClient();
  expect(await client.request('CallStart', parties)).toMatchObject({
    error: { code: -32001, data: expect.stringContaining('did not prove') },
  });
  await waitUntil(() => listening.adapter.log().includes('The edge has rejected the adapter key'));
  expect((await dialed.link()).dial?.failure).toMatch(/did not prove/);
  expect(dialed.site.simulator.ledger.requests.filter(({ method }) => method === 't_uac_dlg')).toEqual([]);
});

it('runs nothing for a site of another tenant, and says so in one line', async () => {
  const other = 'ca.k1.adapter.acme.foreign.secret-secret-secret-secret.mac';
  await using listening = await ListeningAdapter.start({ ADAPTER_KEY: other });
  const { dialed } = listening;
  const client = await dialed.connectClient();
  expect(await client.request('CallStart', parties)).toMatchObject({
    error: { code: -32001, data: expect.stringContaining('answered 401') },
  });
  const refusals = listening.adapter
    .log()
    .split('\n')
    .filter((line) => line.includes('Refused a connection'));
  expect(refusals).toHaveLength(1);
  expect(refusals[0]).toContain('"refused":"tenant"');
  expect((await dialed.link()).dial?.failure).toMatch(/answered 401/);
  expect(dialed.site.simulator.ledger.requests.filter(({ method }) => method === 't_uac_dlg')).toEqual([]);
});
