/**
 * Part of `npm run check`: audits the dependencies without network access, and checks the imports among the files of
 * `worker/`. For known vulnerabilities, run `npm audit`, which queries the registry.
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { auditPackages, type LockedPackage } from './audit.ts';
import { checkLayers } from './layers.ts';

const root = resolve(import.meta.dirname, '../..');
const readJson = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'));

const lockfile = readJson('package-lock.json') as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};
const { packages: installed } = readJson('node_modules/.package-lock.json') as typeof lockfile;
const { allowScripts } = readJson('package.json') as { readonly allowScripts: Record<string, boolean> };

const workerFiles = readdirSync(join(root, 'worker'), { encoding: 'utf8', recursive: true })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  .map((path) => [path.replaceAll('\\', '/'), readFileSync(join(root, 'worker', path), 'utf8')] as const);

const problems = [
  ...auditPackages(lockfile.packages, installed, new Set(Object.keys(allowScripts))),
  ...checkLayers(Object.fromEntries(workerFiles)),
];
if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n`);
  process.exitCode = 1;
} else {
  process.stdout.write(
    `${Object.keys(lockfile.packages).length - 1} dependencies: all pinned, with accepted licenses and install scripts\n` +
      `${workerFiles.length} files in worker/: imports follow the layers\n`,
  );
}
