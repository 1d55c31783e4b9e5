/** The deployed Worker: wrangler can bundle it, and it does not contain the open `demo` tenant of `npm start`. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { bundle } from '../selfhost/workerd.ts';

const root = resolve(import.meta.dirname, '..');

it('bundles for deployment (dry run) without the demo tenant', async () => {
  const outputDirectory = await mkdtemp(join(tmpdir(), 'call-api-'));
  const { stdout } = await promisify(execFile)(
    join(root, 'node_modules/.bin/wrangler'),
    ['deploy', '--dry-run', '--outdir', outputDirectory],
    { cwd: root, env: { ...process.env, WRANGLER_LOG: 'log', WRANGLER_SEND_METRICS: 'false' } },
  );
  expect(stdout).toContain('env.SWITCHBOARD');
  const deployed = await readFile(join(outputDirectory, 'index.js'), 'utf8');
  await bundle(join(root, 'worker/local.ts'), join(outputDirectory, 'local.js'));
  const local = await readFile(join(outputDirectory, 'local.js'), 'utf8');
  // Booleans, because a failed comparison would print the whole bundle.
  const contains = (text: string) => ({ local: local.includes(text), deployed: deployed.includes(text) });
  expect(contains('demo/demo')).toEqual({ local: true, deployed: false });
  expect(contains('{ ADAPTER_KEY }')).toEqual({ local: true, deployed: false });
  expect(contains('KEY_SECRETS').deployed).toBe(true);
  await rm(outputDirectory, { recursive: true });
});
