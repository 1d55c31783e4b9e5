/**
 * Writes the notices of the third-party packages in a bundle: their names, versions and license texts, which most licenses
 * require with every copy.
 * @module
 */
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

export const NOTICES_FILE = 'THIRD-PARTY-NOTICES.txt';

const root = resolve(import.meta.dirname, '..');

/** The part of a path up to the innermost package, such as `node_modules/zod` of `node_modules/zod/v4/index.js`. */
const PACKAGE_FOLDER = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/;

const LICENSE_FILE = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i;

const RULE = '-'.repeat(80);

interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly homepage?: string;
}

/** Returns the folders of the packages that bundled files belong to, sorted and without duplicates. */
export function packageFolders(bundledFiles: Iterable<string>): string[] {
  const folders = [...bundledFiles].flatMap(
    (file) => PACKAGE_FOLDER.exec(file.replaceAll('\\', '/'))?.[0] ?? [],
  );
  return [...new Set(folders)].sort();
}

/**
 * Returns the text of the notices.
 * @param bundledFiles the files that the bundler has put into the bundle, absolute or from the project's root
 * @throws Error if a package has no license text, so that nothing is shipped without one
 */
export async function renderNotices(bundle: string, bundledFiles: Iterable<string>): Promise<string> {
  const folders = packageFolders(bundledFiles);
  if (folders.length === 0) return `${bundle} contains no third-party packages.\n`;
  const notices = await Promise.all(folders.map((folder) => renderPackage(resolve(root, folder))));
  return `${bundle} contains these third-party packages.\n\n${notices.join('\n')}`;
}

async function renderPackage(folder: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as PackageManifest;
  const { name, version, license = 'see below', homepage } = manifest;
  const files = (await readdir(folder)).filter((file) => LICENSE_FILE.test(file)).sort();
  if (files.length === 0) throw new Error(`${name}@${version} has no license file: add its text by hand`);
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  const title = `${name} ${version} (${license})${homepage === undefined ? '' : `\n${homepage}`}`;
  return `${RULE}\n${title}\n${RULE}\n\n${texts.map((text) => text.trim()).join('\n\n')}\n`;
}
