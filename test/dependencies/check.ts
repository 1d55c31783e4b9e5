/**
 * Part of `npm run check`: looks the dependencies over, without a network. Known vulnerabilities are `npm audit`'s to
 * tell, which asks the registry.
 * @module
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { faults, type Locked } from './audit.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'));

const lock = read('package-lock.json') as { readonly packages: Readonly<Record<string, Locked>> };
const { packages: installed } = read('node_modules/.package-lock.json') as typeof lock;
const { allowScripts } = read('package.json') as { readonly allowScripts: Record<string, boolean> };

const found = faults(
  lock.packages,
  installed,
  new Set(Object.keys(allowScripts).filter((name) => allowScripts[name])),
);
if (found.length > 0) {
  process.stderr.write(`${found.join('\n')}\n`);
  process.exitCode = 1;
} else {
  process.stdout.write(
    `${Object.keys(lock.packages).length - 1} dependencies: pinned, licensed, none that surprises\n`,
  );
}
