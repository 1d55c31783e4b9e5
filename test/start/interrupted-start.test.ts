/** `npm start` that is interrupted while it comes up: it says so by its exit code, and leaves no process behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { findFreePort, waitUntil } from '../harness/stack.ts';

const START = resolve(import.meta.dirname, '../../selfhost/start.ts');

/** Holds the adapter back, which otherwise may be up before the test has seen its process. */
const SLOW_ADAPTER = `--import data:text/javascript,${encodeURIComponent(
  "if (process.argv[1]?.endsWith('adapter.js')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5_000);",
)}`;

/** Returns the command lines of processes whose variables contain a text, as Linux shows them. */
async function processesWith(variable: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const read = (id: string, file: string) => readFile(`/proc/${id}/${file}`, 'utf8').catch(() => '');
  const found = await Promise.all(
    ids.map(async (id) =>
      (await read(id, 'environ')).includes(variable) ? [await read(id, 'cmdline')] : [],
    ),
  );
  return found.flat().map((line) => line.replaceAll('\0', ' '));
}

it.each<[string, 'SIGINT' | 'SIGTERM', (marker: string) => Promise<boolean>]>([
  ['the simulator runs', 'SIGINT', async (marker) => (await running(marker, 'simulator/')).length > 0],
  ['the edge is started', 'SIGTERM', async (marker) => (await running(marker, 'workerd')).length > 0],
  ['the adapter is started', 'SIGINT', async (marker) => (await running(marker, 'adapter.js')).length > 0],
])('leaves nothing behind when %s (%s)', async (_, signal, hasBegun) => {
  const data = await mkdtemp(join(tmpdir(), 'call-api-'));
  const marker = `TEST_OF_INTERRUPTED_START=${data}`;
  const port = await findFreePort();
  const child = spawn(process.execPath, [START, '--port', String(port), '--data', data], {
    env: { ...process.env, TEST_OF_INTERRUPTED_START: data, NODE_OPTIONS: SLOW_ADAPTER },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = once(child, 'exit');
  await waitUntil(() => hasBegun(marker));
  const wasUp = output.includes('Press Ctrl-C to stop');
  child.kill(signal);
  const [exit] = await exited;
  // What was killed is gone as soon as the system has taken notice.
  await waitUntil(async () => (await processesWith(marker)).length === 0);
  expect([wasUp, exit]).toEqual([false, 130]);
  expect(output).not.toContain('Press Ctrl-C to stop');
  await rm(data, { recursive: true, force: true });
});

async function running(marker: string, script: string): Promise<string[]> {
  return (await processesWith(marker)).filter((line) => line.includes(script));
}
