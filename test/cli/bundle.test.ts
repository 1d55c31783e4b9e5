/** The single file that `npm run build:cli` builds. */
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startStack } from '../harness/stack.ts';

const root = resolve(import.meta.dirname, '../..');
const execute = promisify(execFile);

it('runs alone, even on a Node without a WebSocket of its own such as Node 20', async () => {
  await execute('npm', ['run', '-s', 'build:cli'], { cwd: root });
  // Away from the repository and its node_modules.
  const folder = await mkdtemp(join(tmpdir(), 'call-api-'));
  const file = join(folder, 'call-api.mjs');
  // The temporary folder may be on another file system, where a file cannot be moved to.
  await copyFile(join(root, 'dist/call-api.js'), file);
  await using stack = await startStack();
  const { host, port } = stack.simulator.mi;
  const env = { PATH: process.env['PATH'], NODE_OPTIONS: '--no-experimental-websocket' };
  const run = (...args: string[]) => execute(process.execPath, [file, ...args], { cwd: folder, env });
  expect((await run('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect((await run('echo', 'hello', '--url', `ws://127.0.0.1:${stack.port}`)).stdout).toContain('hello');
  expect((await run('list', '--direct', `${host}:${port}`)).stdout).toBe('No calls.\n');
  await rm(folder, { recursive: true });
});
