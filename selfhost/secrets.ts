/** Stores the secrets of a deployment on this machine. @module */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { quote } from '../shared/settings/quote.ts';
import { StartError } from './start-error.ts';

/** The secrets that the Worker takes from its environment. */
const Secrets = z.object({ ADMIN_SECRET: z.string().min(1), KEY_SECRETS: z.string().min(1) });
export type Secrets = z.infer<typeof Secrets>;

/** Name of the file in the data folder; only its owner may read it. */
export const SECRETS_FILE = 'secrets.json';

/** As long as the HMACs that are made with a secret. */
const SECRET_BYTES = 32;

/**
 * Returns the secrets of a data folder, and creates them the first time. Keys and tokens made with them are valid as long
 * as they exist.
 */
export async function loadOrCreateSecrets(data: string): Promise<Secrets> {
  const file = join(data, SECRETS_FILE);
  await mkdir(data, { recursive: true });
  const created: Secrets = { ADMIN_SECRET: randomSecret(), KEY_SECRETS: `k1:${randomSecret()}` };
  try {
    await writeFile(file, `${JSON.stringify(created, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    return created;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  const stored = Secrets.safeParse(parseJson(await readFile(file, 'utf8')));
  // A damaged file is never replaced: all keys would become invalid.
  if (!stored.success)
    throw new StartError(
      `The file ${quote(file)} does not have ADMIN_SECRET and KEY_SECRETS. Correct it, or move it away to create new secrets: all keys are invalid then.`,
    );
  return stored.data;
}

function randomSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
