import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** The Node of this project: the system's may not know TypeScript. */
const run = (...options: string[]) => spawn(path('../node_modules/.bin/node'), [path('main.ts'), ...options]);

test('says in one line that it is ready, and ends on SIGTERM', async () => {
  const process = run('--mi', '127.0.0.1:0', '--sip', '192.0.2.1:5060');
  const [line] = await once(process.stdout, 'data');
  expect(String(line)).toMatch(/^simulator: MI on 127\.0\.0\.1:\d+, SIP address 192\.0\.2\.1:5060\n$/);
  process.kill('SIGTERM');
  expect(await once(process, 'exit')).toEqual([0, null]);
});

test.each([
  ['--mi', 'nowhere'],
  ['--gaps', 'many'],
  ['--no-such', 'option'],
])('ends with one line and status 1 on %s %s', async (...options) => {
  const process = run(...options);
  const [line] = await once(process.stderr, 'data');
  expect(String(line)).toMatch(/^simulator: .+/);
  expect(await once(process, 'exit')).toEqual([1, null]);
});
