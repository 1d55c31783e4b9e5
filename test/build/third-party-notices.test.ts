/** Every bundle that others get comes with the notices of the packages in it. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { build as viteBuild } from 'vite';
import { expect, it } from 'vitest';
import { packageFolders, renderNotices } from '../../build/notices.ts';

const execute = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

/** The packages that are expected at least, so that a check of an empty list does not pass. */
it.each([
  ['adapter', 'adapter/main.ts', 'dist/adapter.THIRD-PARTY-NOTICES.txt', ['jose', 'pino', 'ws', 'zod']],
  ['cli', 'cli/main.ts', 'dist/call-api.THIRD-PARTY-NOTICES.txt', ['commander', 'ws', 'zod']],
  ['client', 'client/index.ts', 'client/dist/THIRD-PARTY-NOTICES.txt', []],
])(
  'the notices of the bundle %s name each package in it',
  async (name, entry, path, expected) => {
    const builder = name === 'client' ? ['build/client.ts'] : ['build/main.ts', name];
    await execute(process.execPath, builder, { cwd: root });
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: [entry],
      bundle: true,
      platform: 'node',
      format: 'esm',
      metafile: true,
      write: false,
      logLevel: 'error',
    });
    const files = Object.values(metafile.outputs).flatMap(({ inputs }) =>
      Object.keys(inputs).filter((file) => (inputs[file]?.bytesInOutput ?? 0) > 0),
    );
    await expectNotices(await readFile(join(root, path), 'utf8'), files, expected);
  },
  120_000,
);

it('the notices of the console name each package in it', async () => {
  const outDir = await mkdtemp(join(tmpdir(), 'call-api-console-'));
  const modules: string[] = [];
  try {
    await viteBuild({
      configFile: join(root, 'client/console/vite.config.ts'),
      logLevel: 'error',
      build: { outDir },
      plugins: [
        {
          name: 'record-modules',
          generateBundle(_, output) {
            for (const file of Object.values(output))
              if (file.type === 'chunk') modules.push(...Object.keys(file.modules));
          },
        },
      ],
    });
    const text = await readFile(join(outDir, 'THIRD-PARTY-NOTICES.txt'), 'utf8');
    await expectNotices(text, modules, ['preact', '@preact/signals']);
  } finally {
    await rm(outDir, { recursive: true, force: true });
  }
}, 120_000);

it('fails for a package without a license text', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'call-api-notices-'));
  try {
    const packageFolder = join(folder, 'node_modules/unlicensed');
    await execute('mkdir', ['-p', packageFolder]);
    await writeFile(join(packageFolder, 'package.json'), '{"name":"unlicensed","version":"1.0.0"}');
    await expect(renderNotices('a bundle', [join(packageFolder, 'index.js')])).rejects.toThrow(
      'unlicensed@1.0.0 has no license file',
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

it('finds the package of a file, also of nested and scoped packages', () => {
  expect(
    packageFolders([
      'shared/settings/settings.ts',
      'node_modules/ws/lib/sender.js',
      'node_modules/ws/index.js',
      '/a/node_modules/b/node_modules/@c/d/e/f.js',
    ]),
  ).toEqual(['/a/node_modules/b/node_modules/@c/d', 'node_modules/ws']);
});

/** Checks that a text has the name, the version and the license of each package that the files belong to. */
async function expectNotices(text: string, files: readonly string[], expected: readonly string[]) {
  const folders = packageFolders(files);
  const names = folders.map((folder) => folder.replace(/^.*node_modules\//, ''));
  expect(names).toEqual(expect.arrayContaining([...expected]));
  for (const folder of folders) {
    const manifest = JSON.parse(await readFile(resolve(root, folder, 'package.json'), 'utf8'));
    expect(text).toContain(`${manifest.name} ${manifest.version} (${manifest.license})\n`);
  }
  expect(text.match(/permission|licensed under/gi)?.length ?? 0).toBeGreaterThanOrEqual(folders.length);
}
