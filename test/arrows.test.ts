/** The rooms of the house keep apart: an import that breaks an arrow is an error of the linter. */
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');

it.each([
  ['shared', '../worker/app.ts', true],
  ['shared', '../adapter/adapter.ts', true],
  ['shared', 'node:fs', true],
  ['shared', 'hono', true],
  ['shared', 'zod', false],
  ['worker', '../adapter/adapter.ts', true],
  ['worker', '../simulator/index.ts', true],
  ['worker', 'node:dgram', true],
  ['worker', '../shared/evi.ts', false],
  ['adapter', '../worker/app.ts', true],
  ['adapter', '../simulator/index.ts', true],
  ['adapter', '../shared/evi.ts', false],
  ['adapter', '../cli/admin.ts', true],
  ['client', '../worker/app.ts', true],
  ['client', 'node:fs', true],
  ['client', 'zod', true],
  ['client', '../shared/evi.ts', false],
  ['cli', '../worker/app.ts', true],
  ['cli', '../simulator/index.ts', true],
  ['cli', '../adapter/adapter.ts', false],
  ['cli', '../shared/evi.ts', false],
  ['simulator', '../shared/evi.ts', true],
  ['simulator', '../adapter/adapter.ts', true],
])('%s importing %s', async (room, module, refused) => {
  const file = join(root, room, `arrow-${module.replace(/\W+/g, '-')}.ts`);
  await writeFile(file, `export * from '${module}';\n`);
  try {
    const output = await lint(file);
    expect(output.includes('noRestrictedImports')).toBe(refused);
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
