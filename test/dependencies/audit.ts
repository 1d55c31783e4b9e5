/** Audits the installed dependencies without network access. Pure. @module */

/** A package as in `package-lock.json`. */
export interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
  readonly deprecated?: string;
  readonly license?: string;
}

/**
 * Accepted licenses. Any other, or a missing one, has to be read by a person first. The packages under LGPL and MPL are
 * development tools, used unchanged.
 */
const ACCEPTED_LICENSES =
  /^(?:\(?(?:MIT|Apache-2\.0|ISC|BSD-[23]-Clause|0BSD|CC0-1\.0|MPL-2\.0|LGPL-3\.0-or-later|LGPL-3\.0-only|BlueOak-1\.0\.0|Python-2\.0|CC-BY-4\.0|Unlicense)\)?(?: (?:AND|OR) )?)+$/;

/**
 * Returns a sentence for each problem: a package that has no digest, comes from anywhere but a registry, runs an install
 * script without being allowed to, is deprecated, or has a license that is not accepted; and a package whose installed
 * version differs from the locked one.
 *
 * @param locked by path, as in `package-lock.json`
 * @param installed the same for the installed packages; packages for other platforms are missing
 * @param allowedInstallScripts names of packages whose install scripts were read: they run, or npm does not run them
 */
export function auditPackages(
  locked: Readonly<Record<string, LockedPackage>>,
  installed: Readonly<Record<string, LockedPackage>>,
  allowedInstallScripts: ReadonlySet<string>,
): string[] {
  // The project itself has the empty path, and its workspaces are folders of the project and links to them.
  const isOwn = (path: string) => !path.includes('node_modules/') && Object.hasOwn(locked, path);
  const dependencies = Object.entries(locked).filter(
    ([path, { link, resolved }]) => !isOwn(path) && !(link && resolved && isOwn(resolved)),
  );
  return dependencies.flatMap(
    ([path, { version, integrity, resolved, link, hasInstallScript, deprecated, license }]) => {
      const name = path.replace(/^.*node_modules\//, '');
      const problems: string[] = [];
      if (!integrity?.startsWith('sha512-')) problems.push('has no sha512 digest in package-lock.json');
      if (link || (resolved !== undefined && !resolved.startsWith('https://')))
        problems.push('does not come from a registry');
      if (hasInstallScript && !allowedInstallScripts.has(name))
        problems.push(
          'runs an install script: read the script, then add the package to allowScripts in package.json',
        );
      if (deprecated !== undefined) problems.push(`is deprecated: ${deprecated}`);
      if (!ACCEPTED_LICENSES.test(license ?? ''))
        problems.push(`has the license ${license ?? 'unknown'}, which is not accepted yet: read it first`);
      const installedVersion = installed[path]?.version;
      if (installedVersion !== undefined && installedVersion !== version)
        problems.push(`is installed as ${installedVersion} but locked as ${version}: run npm ci`);
      return problems.map((problem) => `${name}@${version} ${problem}`);
    },
  );
}
