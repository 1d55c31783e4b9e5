/** The secrets of a deployment on this machine. @module */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';

/** As the Worker takes them: see `worker/env.ts`. */
const Secrets = z.object({ ADMIN_SECRET: z.string().min(1), KEY_SECRETS: z.string().min(1) });
export type Secrets = z.infer<typeof Secrets>;

/** The file in the data folder; only its owner may read it. */
export const SECRETS_FILE = 'secrets.json';

/** Bytes of a secret: as long as the HMACs that are made with it. */
const BYTES = 32;

/** Those that the folder holds; made the first time. Keys and tokens made with them hold as long as they do. */
export async function secretsIn(data: string): Promise<Secrets> {
  const file = join(data, SECRETS_FILE);
  await mkdir(data, { recursive: true });
  const made: Secrets = { ADMIN_SECRET: random(), KEY_SECRETS: `k1:${random()}` };
  try {
    await writeFile(file, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    return made;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  const kept = Secrets.safeParse(parsed(await readFile(file, 'utf8')));
  // Never made anew over what is there: all keys would end.
  if (!kept.success) throw new Error(`${file} has no ADMIN_SECRET and KEY_SECRETS; mend it, or move it away`);
  return kept.data;
}

function random(): string {
  return randomBytes(BYTES).toString('base64url');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
