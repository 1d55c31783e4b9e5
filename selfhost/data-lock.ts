/** Keeps two edges from using the same data: a file in the data folder names the process that uses it. @module */
import { readFileSync } from 'node:fs';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { quote } from '../shared/settings/quote.ts';
import { StartError } from './start-error.ts';

/** Name of the file in the data folder. */
export const LOCK_FILE = 'lock';

/** A held lock. */
export interface DataLock {
  release(): Promise<void>;
}

/**
 * Locks a data folder for this process. Rejects with a {@link StartError} if another process uses it. A lock whose process
 * was killed is replaced.
 */
export async function lockData(folder: string): Promise<DataLock> {
  const file = join(folder, LOCK_FILE);
  const own = `${process.pid} ${statusOf(process.pid).start}\n`;
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, own, { mode: 0o600 });
  try {
    while (!(await linkUnlessExists(draft, file))) {
      const content = await readLock(file);
      if (isHeld(content))
        throw new StartError(
          `--data (SELFHOST_DATA): the folder ${quote(folder)} is in use by process ${content?.split(' ')[0]}, another npm start. Stop that one first, or choose another folder: npm start -- --data DIR.`,
        );
      await rm(file, { force: true });
    }
  } finally {
    await rm(draft, { force: true });
  }
  return {
    async release() {
      if ((await readLock(file)) === own) await rm(file, { force: true });
    },
  };
}

/** Creates a file with its content in one step. Returns whether it did not exist. */
async function linkUnlessExists(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function readLock(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined);
}

/** Returns whether the process in a lock runs. Another process may have its number by now, as after a restart of the machine. */
function isHeld(content: string | undefined): boolean {
  const [, pid, start] = /^([1-9]\d*) (.*)\n$/.exec(content ?? '') ?? [];
  if (pid === undefined || !exists(Number(pid))) return false;
  const { state, start: actual } = statusOf(Number(pid));
  // A process that was killed remains as a zombie until its parent has noticed: in a container, the first process may never do that.
  return state !== 'Z' && actual === start;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Processes of other users cannot be signaled.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * Returns the state of a process, and when it started, in clock ticks since the start of the machine (fields 3 and 22 of
 * `/proc/PID/stat`, proc_pid_stat(5)). Both are empty on systems that do not tell.
 */
function statusOf(pid: number): { readonly state: string; readonly start: string } {
  try {
    // The name of the program, in parentheses, may contain anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, '').trim().split(' ');
    return { state: fields[0] ?? '', start: fields[19] ?? '' };
  } catch {
    return { state: '', start: '' };
  }
}
