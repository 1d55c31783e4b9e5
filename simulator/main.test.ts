import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const resolvePath = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Runs the Node of this project, because the system's may not support TypeScript. */
const run = (...options: string[]) =>
  spawn(resolvePath('../node_modules/.bin/node'), [resolvePath('main.ts'), ...options]);

test('prints one line when it is ready, and exits on SIGTERM', async () => {
  const process = run('--mi', '127.0.0.1:0', '--sip', '192.0.2.1:5060');
  const [line] = await once(process.stdout, 'data');
  expect(String(line)).toMatch(/^simulator: MI on 127\.0\.0\.1:\d+, SIP address 192\.0\.2\.1:5060\n$/);
  process.kill('SIGTERM');
  expect(await once(process, 'exit')).toEqual([0, null]);
});

test.each([
  ['--mi', 'nowhere'],
  ['--gaps', 'many'],
  ['--opensips', 'latest'],
  ['--no-such', 'option'],
])('exits with one line and status 1 on %s %s', async (...options) => {
  const process = run(...options);
  const [line] = await once(process.stderr, 'data');
  expect(String(line)).toMatch(/^simulator: .+/);
  expect(await once(process, 'exit')).toEqual([1, null]);
});
