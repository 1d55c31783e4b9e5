/** What can be said of the dependencies without a network. Pure. @module */

/** A package as `package-lock.json` has it. */
export interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
  readonly deprecated?: string;
  readonly license?: string;
}

/** What is not permissive, or is not told: to be read by a person first. LGPL and MPL are tools' of ours, unchanged. */
const LICENCES =
  /^(?:\(?(?:MIT|Apache-2\.0|ISC|BSD-[23]-Clause|0BSD|CC0-1\.0|MPL-2\.0|LGPL-3\.0-or-later|BlueOak-1\.0\.0|Python-2\.0|CC-BY-4\.0|Unlicense)\)?(?: (?:AND|OR) )?)+$/;

/**
 * What is wrong, a sentence each: a package that is not pinned by a digest, comes from anywhere but a registry, runs
 * code when it is installed without being allowed to, has been given up by its authors, or has a licence that nobody
 * has looked at; and a package that is installed in another version than is locked.
 *
 * @param locked by path, as in `package-lock.json`
 * @param installed the same of what is installed; of other platforms' packages nothing is
 * @param mayInstall names of packages that may run code when they are installed
 */
export function faults(
  locked: Readonly<Record<string, Locked>>,
  installed: Readonly<Record<string, Locked>>,
  mayInstall: ReadonlySet<string>,
): string[] {
  const ours = Object.entries(locked).filter(([path]) => path !== '');
  return ours.flatMap(
    ([path, { version, integrity, resolved, link, hasInstallScript, deprecated, license }]) => {
      const name = path.replace(/^.*node_modules\//, '');
      const found: string[] = [];
      if (!integrity?.startsWith('sha512-')) found.push('has no sha512 digest in package-lock.json');
      if (link || (resolved !== undefined && !resolved.startsWith('https://')))
        found.push('does not come from a registry');
      if (hasInstallScript && !mayInstall.has(name))
        found.push(
          'runs code when it is installed: read it, then list it under allowScripts in package.json',
        );
      if (deprecated !== undefined) found.push(`was given up by its authors: ${deprecated}`);
      if (!LICENCES.test(license ?? '')) found.push(`has the licence ${license ?? 'unknown'}: read it first`);
      const here = installed[path]?.version;
      if (here !== undefined && here !== version)
        found.push(`is installed as ${here} but locked as ${version}: run npm ci`);
      return found.map((fault) => `${name}@${version} ${fault}`);
    },
  );
}
