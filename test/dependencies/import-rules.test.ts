/** The linter enforces which top-level folders may import which modules. */
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

it.each([
  ['shared', '../worker/app.ts', 'refused'],
  ['shared', '../adapter/adapter.ts', 'refused'],
  ['shared', 'node:fs', 'refused'],
  ['shared', 'hono', 'refused'],
  ['shared', 'zod', 'allowed'],
  ['worker', '../adapter/adapter.ts', 'refused'],
  ['worker', '../simulator/index.ts', 'refused'],
  ['worker', 'node:dgram', 'refused'],
  ['worker', '../shared/opensips/evi.ts', 'allowed'],
  ['adapter', '../worker/app.ts', 'refused'],
  ['adapter', '../simulator/index.ts', 'refused'],
  ['adapter', '../shared/opensips/evi.ts', 'allowed'],
  ['adapter', '../cli/main.ts', 'refused'],
  ['client', '../worker/app.ts', 'refused'],
  ['client', 'node:fs', 'refused'],
  ['client', 'zod', 'refused'],
  ['client', '../shared/opensips/evi.ts', 'allowed'],
  ['cli', '../worker/app.ts', 'refused'],
  ['cli', '../simulator/index.ts', 'refused'],
  ['cli', '../adapter/adapter.ts', 'allowed'],
  ['cli', '../shared/opensips/evi.ts', 'allowed'],
  ['simulator', '../shared/opensips/evi.ts', 'refused'],
  ['simulator', '../adapter/adapter.ts', 'refused'],
] as const)('a file in %s/ that imports %s is %s', async (folder, module, expected) => {
  const file = join(root, folder, `import-rule-${module.replace(/\W+/g, '-')}.ts`);
  await writeFile(file, `export * from '${module}';\n`);
  try {
    const isRefused = (await lint(file)).includes('noRestrictedImports');
    expect(isRefused ? 'refused' : 'allowed').toBe(expected);
  } finally {
    await rm(file);
  }
});

function lint(file: string): Promise<string> {
  return new Promise((resolve) => {
    const args = ['lint', '--only=style/noRestrictedImports', file];
    execFile(join(root, 'node_modules/.bin/biome'), args, { cwd: root }, (_, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
}
