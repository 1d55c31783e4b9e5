/** Whether an attacker's site stays within its budget of bytes, and tells a client that resumes what it has dropped. @module */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { MultiTenantStack } from '../harness/multi-tenant-stack.ts';
import { waitUntil } from '../harness/stack.ts';

/** What an attack has stored. */
export interface StorageResult {
  /** The database of the attacker's site on disk, with its write-ahead log. */
  readonly diskBytes: number;
  /** What the site itself shows of its database. */
  readonly storedBytes: number;
  /** The limit `stored_bytes`. */
  readonly budget: number;
  /** Whether the edge reported to a session from before the attack that notifications are missing. */
  readonly isGapReported: boolean;
}

const SESSION = 'from-before';

/** What SQLite's write-ahead log may take beside the database: it is reused, but does not shrink (12 MB measured). */
export const MAX_WAL_BYTES = 33_554_432;

export class StorageCheck {
  readonly #stack: MultiTenantStack;
  readonly #budget: number;
  readonly #since: number;

  private constructor(stack: MultiTenantStack, budget: number, since: number) {
    this.#stack = stack;
    this.#budget = budget;
    this.#since = since;
  }

  /** Limits what the attacker's site may store, and runs a command in a session that resumes after the attack. */
  static async begin(stack: MultiTenantStack, budget: number): Promise<StorageCheck> {
    await stack.adminRequest('PATCH', '/tenants/t2', { limits: { stored_bytes: budget } });
    const client = await stack.connectClient(stack.site('t2-s1').siteKey, `?session=${SESSION}`);
    const [first] = await client.runToEnd('CallEnd', { callid: 'none' });
    client.close();
    return new StorageCheck(stack, budget, first?.seq ?? 0);
  }

  async end(): Promise<StorageResult> {
    const site = this.#stack.site('t2-s1');
    const { siteKey } = site;
    // A running command cannot be dropped.
    await waitUntil(async () => (await this.#stack.fetchHealth(site)).running === 0);
    const query = `?session=${SESSION}&since=${this.#since}`;
    const resumed = await this.#stack.connectClient(siteKey, query);
    // The edge reports missing notifications before it answers anything.
    await resumed.request('CommandGet', { cmd_id: 'none' });
    const isGapReported = resumed.frames.some((frame) => frame.includes('"SessionReset"'));
    resumed.close();
    const response = await this.#stack.fetch('/v1/me', siteKey);
    const { usage } = (await response.json()) as { readonly usage: { readonly stored_bytes: number } };
    const diskBytes = await largestDatabase(join(this.#stack.dataFolder, 'objects/switchboard'));
    return { diskBytes, storedBytes: usage.stored_bytes, budget: this.#budget, isGapReported };
  }
}

/** Returns the bytes of the largest database in a folder, with the files that belong to it. */
async function largestDatabase(folder: string): Promise<number> {
  const bytes = new Map<string, number>();
  for (const file of await readdir(folder)) {
    const [database = ''] = file.split('.sqlite');
    const { size } = await stat(join(folder, file)).catch(() => ({ size: 0 }));
    bytes.set(database, (bytes.get(database) ?? 0) + size);
  }
  return Math.max(0, ...bytes.values());
}
