/** `npm start -- --tenants` in processes of its own, as an operator runs it: with its front, and as few file descriptors as a test wants. @module */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client } from './client.ts';
import { findFreePort, waitUntil } from './stack.ts';

const root = resolve(import.meta.dirname, '../..');

export interface SelfHostedOptions {
  /** The limit of open files of each process, `ulimit -n`; as it is here if undefined. */
  readonly descriptors?: number;
  /** Further flags of `npm start`. */
  readonly flags?: readonly string[];
}

/** A self-hosted edge that is running. */
export class SelfHostedEdge implements AsyncDisposable {
  readonly port: number;
  readonly #secret: string;
  readonly #output: () => string;
  readonly #stop: () => Promise<void>;

  private constructor(port: number, secret: string, output: () => string, stop: () => Promise<void>) {
    this.port = port;
    this.#secret = secret;
    this.#output = output;
    this.#stop = stop;
  }

  /** Starts it with an empty data folder. Rejects with its output if it ends instead. */
  static async start({ descriptors, flags = [] }: SelfHostedOptions = {}): Promise<SelfHostedEdge> {
    const data = await mkdtemp(join(tmpdir(), 'call-api-'));
    const port = await findFreePort();
    const limit = descriptors === undefined ? '' : `ulimit -n ${descriptors} && `;
    const start = [process.execPath, join(root, 'selfhost/start.ts'), '--tenants'];
    const args = [...start, '--port', String(port), '--data', data, ...flags];
    const child = spawn('sh', ['-c', `${limit}exec "$@"`, 'sh', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exited = once(child, 'exit');
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    const stop = async () => {
      child.kill('SIGTERM');
      await exited;
      await rm(data, { recursive: true, force: true });
    };
    await waitUntil(() => child.exitCode !== null || output.includes('Press Ctrl-C to stop'));
    if (child.exitCode !== null) {
      await stop();
      throw new Error(output);
    }
    const secrets = JSON.parse(await readFile(join(data, 'secrets.json'), 'utf8')) as {
      ADMIN_SECRET: string;
    };
    return new SelfHostedEdge(port, secrets.ADMIN_SECRET, () => output, stop);
  }

  /** What it has printed. A part that has ended is named there. */
  get output(): string {
    return this.#output();
  }

  /** Sends a request to `/v1/admin`. Throws if it is refused. */
  async adminRequest<Result>(method: string, path: string, body?: object): Promise<Result> {
    const init = { method, ...(body ? { body: JSON.stringify(body) } : {}) };
    const response = await this.fetch(`/v1/admin${path}`, this.#secret, init);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Result;
  }

  /** Creates a tenant with a site, and returns an API key for it. */
  async createTenant(
    id: string,
    settings: object = {},
  ): Promise<{ readonly key: string; readonly id: string }> {
    await this.adminRequest('POST', '/tenants', { id, ...settings });
    await this.adminRequest('POST', `/tenants/${id}/sites`, { id: 'main' });
    return this.adminRequest('POST', `/tenants/${id}/keys`, { role: 'api', site: 'main' });
  }

  /** Sends an HTTP request on a connection of its own. */
  fetch(path: string, credential: string, init: RequestInit = {}): Promise<Response> {
    const headers = { Authorization: `Bearer ${credential}`, Connection: 'close' };
    return fetch(`http://127.0.0.1:${this.port}${path}`, { ...init, headers });
  }

  /** Connects a client with an API key. `query` is such as `?session=a`. */
  connectClient(key: string, query = ''): Promise<Client> {
    const headers = { Authorization: `Bearer ${key}` };
    return Client.connect(`ws://127.0.0.1:${this.port}/call-api${query}`, { headers });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }
}
