/** The version of OpenSIPS, as its MI command `version` names it. @module */

/** Returns the reply of `version` for a number such as `3.4.18`. Any other text is returned unchanged. */
export function expandVersion(version: string): string {
  return /^[\d.]+$/.test(version) ? `OpenSIPS (${version} (x86_64/linux))` : version;
}

/** Whether a version is at least `major.minor`. Text without a number counts as 3.6. */
export function isSince(version: string, major: number, minor: number): boolean {
  const [, ownMajor = '3', ownMinor = '6'] = /\((\d+)\.(\d+)/.exec(version) ?? [];
  return Number(ownMajor) > major || (Number(ownMajor) === major && Number(ownMinor) >= minor);
}
