/**
 * Builds the client package for both module systems: `node build/client.ts`. Each has its bundles with source maps, and its types, because
 * TypeScript takes types for those of a module system from the package that they are in.
 * @module
 */
import { execFile } from 'node:child_process';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { NOTICES_FILE, renderNotices } from './notices.ts';

const execute = promisify(execFile);
const root = resolve(import.meta.dirname, '..');
const dist = join(root, 'client/dist');

await rm(dist, { recursive: true, force: true });
const bundled = await Promise.all((['esm', 'cjs'] as const).map(bundle));
await execute(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'client'], {
  cwd: root,
});
await renameImports(join(dist, 'esm'));
await cp(join(dist, 'esm'), join(dist, 'cjs'), {
  recursive: true,
  filter: (path) => !/\.js(?:\.map)?$/.test(path),
});
await writeFile(join(dist, 'cjs/package.json'), '{ "type": "commonjs" }\n');
await writeFile(join(dist, NOTICES_FILE), await renderNotices('index.js', bundled[0] ?? []));

/** Bundles the entry points. Returns the files that they are made of. */
async function bundle(format: 'esm' | 'cjs'): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['client/index.ts', 'client/server.ts'],
    outdir: join('client/dist', format),
    format,
    bundle: true,
    minify: true,
    sourcemap: true,
    target: 'es2022',
    logLevel: 'warning',
    metafile: true,
  });
  return Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
}

/** Names the files as they are called in the package: only newer versions of TypeScript accept `.ts` in types. */
async function renameImports(directory: string): Promise<void> {
  const names = await readdir(directory, { recursive: true });
  for (const name of names.filter((each) => each.endsWith('.d.ts'))) {
    const path = join(directory, name);
    const types = await readFile(path, 'utf8');
    await writeFile(
      path,
      types.replaceAll(/(from\s*'\.[^']*)\.ts'/g, "$1.js'").replaceAll(/(from\s*"\.[^"]*)\.ts"/g, '$1.js"'),
    );
  }
}
