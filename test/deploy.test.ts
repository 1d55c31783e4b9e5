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
    { cwd: root, env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } },
  );
  expect(stdout).toContain('env.SWITCHBOARD');
  const deployed = await readFile(join(outputDirectory, 'index.js'), 'utf8');
  await bundle(join(root, 'worker/local.ts'), join(outputDirectory, 'local.js'));
  const local = await readFile(join(outputDirectory, 'local.js'), 'utf8');
  expect(local).toContain('demo/demo');
  expect(deployed).not.toContain('demo/demo');
  expect(deployed).not.toContain('ADAPTER_KEY');
  expect(deployed).toContain('KEY_SECRETS');
  await rm(outputDirectory, { recursive: true });
});
