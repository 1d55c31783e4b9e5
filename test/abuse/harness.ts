/**
 * The whole stack with a victim's and an attacker's tenant, each with its own adapter and OpenSIPS. The edge is bare workerd with
 * its inspector, or, with a limit of file descriptors, all of `npm start -- --tenants`.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { memoryUsage } from '../../bench/process-usage.ts';
import { type EdgeToLaunch, MultiTenantStack } from '../harness/multi-tenant-stack.ts';
import { findFreePort, stopProcess } from '../harness/stack.ts';
import type { AttackContext } from './attack.ts';
import { delay } from './attack.ts';
import { heapMb } from './inspector.ts';

const root = resolve(import.meta.dirname, '../..');

/** Calls in the log of the attacker's site, ended, with metadata. */
export const CALLS = 1_000;
const TOKENS = 50;
/** Calls that are started together. */
const STARTED_TOGETHER = 20;
/** A command stays so small that its answer is the smaller part of a replay. */
const METADATA = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`note-${n}`, 'x'.repeat(80)]));
const UNLIMITED = { messages_per_second: 10_000, starts_per_second: 10_000 };
const DEFAULTS = { messages_per_second: 50, starts_per_second: 10 };
/** How long a new policy takes to reach everything, in milliseconds. */
const POLICY_MS = 500;

export interface HarnessOptions {
  /** `ulimit -n` of the edge. */
  readonly descriptors?: number;
  /** Calls in the log of the attacker's site. */
  readonly calls?: number;
}

export class AbuseHarness implements AsyncDisposable {
  readonly stack: MultiTenantStack;
  readonly #inspectorPort: number | undefined;

  private constructor(stack: MultiTenantStack, inspectorPort: number | undefined) {
    this.stack = stack;
    this.#inspectorPort = inspectorPort;
  }

  static async start({ descriptors, calls = CALLS }: HarnessOptions = {}): Promise<AbuseHarness> {
    const inspectorPort = descriptors === undefined ? await findFreePort() : undefined;
    const stack = await MultiTenantStack.start({
      tenants: 2,
      sites: 1,
      simulatorOptions: { delayFactor: 0, keepLedger: false, timers: { listedAfterEndMs: 0 } },
      ...(inspectorPort === undefined ? {} : { inspectorPort }),
      ...(descriptors === undefined ? {} : { launch: (edge: EdgeToLaunch) => startAll(edge, descriptors) }),
    });
    const harness = new AbuseHarness(stack, inspectorPort);
    await harness.#makeCalls(calls);
    return harness;
  }

  /** Returns keys of clients that must not be disconnected: two of the victim's site, and another one of the attacker's own. */
  async bystanderKeys(): Promise<string[]> {
    const { stack } = this;
    const createKey = (tenant: string) => stack.createKey(tenant, { role: 'api', site: 's1' });
    return [stack.site('t1-s1').siteKey, await createKey('t1'), await createKey('t2')];
  }

  /** Returns what an attacker has: new tokens, so that no attack is blocked because of the one before. */
  async attackContext(): Promise<AttackContext> {
    const { stack } = this;
    const { adapterKey } = stack.site('t2-s1');
    const key = await stack.createKey('t2', { role: 'api', site: 's1' });
    const mint = (subject: string, more = {}) => stack.mintToken(key, { subject, ...more });
    const tokens: string[] = [];
    for (let n = 0; n < TOKENS; n++) tokens.push(await mint(`attacker-${n}`));
    const boundToken = await mint('bound', { caller: 'sip:nobody@h.test' });
    const commandId = crypto.randomUUID();
    await this.#startCall(key, 0, commandId);
    return { port: stack.port, key, adapterKey, tokens, boundToken, commandId };
  }

  /** Returns the heap of the edge in MB; undefined if it has no inspector, has ended, or is too busy to answer. */
  async heapMb(): Promise<number | undefined> {
    if (this.#inspectorPort === undefined || !this.isEdgeAlive) return undefined;
    return heapMb(this.#inspectorPort).catch(() => undefined);
  }

  get rssMb(): number {
    return this.isEdgeAlive ? memoryUsage(this.stack.edgeProcess).rssMb : Number.NaN;
  }

  get isEdgeAlive(): boolean {
    const { exitCode, signalCode } = this.stack.edgeProcess;
    return exitCode === null && signalCode === null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // `npm start` ends workerd when it is interrupted, not when it is killed.
    this.stack.edgeProcess.kill('SIGINT');
    await Promise.race([stopProcess(this.stack.edgeProcess, 'SIGINT'), delay(5_000)]);
    await this.stack[Symbol.asyncDispose]();
  }

  async #makeCalls(calls: number): Promise<void> {
    const { stack } = this;
    await stack.adminRequest('PATCH', '/tenants/t2', { limits: UNLIMITED });
    // Changes of calls are logged while somebody watches.
    const watcher = await stack.connectClient(stack.site('t2-s1').siteKey);
    await watcher.request('CallWatch', {});
    for (let n = 0; n < calls; n += STARTED_TOGETHER)
      await Promise.all(
        Array.from({ length: Math.min(STARTED_TOGETHER, calls - n) }, (_, m) =>
          this.#startCall(stack.site('t2-s1').siteKey, n + m),
        ),
      );
    watcher.close();
    await stack.adminRequest('PATCH', '/tenants/t2', { limits: DEFAULTS });
    await delay(POLICY_MS);
  }

  async #startCall(key: string, n: number, commandId: string = crypto.randomUUID()): Promise<void> {
    const { stack } = this;
    const init = {
      method: 'POST',
      headers: { 'Idempotency-Key': commandId },
      body: JSON.stringify({
        caller: `sip:keep.${n}@h.test`,
        callee: `sip:bob.${n}@h.test`,
        metadata: METADATA,
      }),
    };
    const response = await stack.fetch('/v1/calls', key, init);
    if (!response.ok) throw new Error(`no call: ${response.status} ${await response.text()}`);
    await stack.fetch(`/v1/commands/${commandId}?wait=10`, key);
  }
}

/** Starts `npm start -- --tenants` with a limit of file descriptors. */
async function startAll({ port, data, secrets }: EdgeToLaunch, descriptors: number): Promise<ChildProcess> {
  await writeFile(join(data, 'secrets.json'), JSON.stringify(secrets), { mode: 0o600 });
  const args = [join(root, 'selfhost/start.ts'), '--tenants', '--port', String(port), '--data', data];
  const limit = `ulimit -n ${descriptors}; exec "$@"`;
  return spawn('sh', ['-c', limit, 'edge', process.execPath, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
