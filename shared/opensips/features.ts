/** The features of OpenSIPS that depend on its version. @module */

/** The first version whose `callops` can hold or unhold a single leg. 3.6 replies -32602 (tested with 3.6.8 and 4.0.1). */
const ONE_LEG_HOLD_VERSION = 4;

/**
 * Returns why this OpenSIPS cannot run a command, as a sentence for the client; undefined if it can.
 * @param version the result of the MI command `version`, such as `OpenSIPS (3.6.8 (x86_64/linux))`; empty while unknown
 */
export function unsupportedReason(
  params: Readonly<Record<string, unknown>>,
  method: string,
  version: string,
): string | undefined {
  if (method !== 'CallHold' && method !== 'CallUnhold') return undefined;
  if (params['leg'] === undefined) return undefined;
  const [, number, major] = /\((([0-9]+)\.[0-9][0-9a-z.-]*)/.exec(version) ?? [];
  const alternative = 'leave leg out to change both legs';
  if (major === undefined)
    return `leg: the version of OpenSIPS is not known yet. Try again, or ${alternative}.`;
  if (Number(major) >= ONE_LEG_HOLD_VERSION) return undefined;
  return `leg: OpenSIPS ${number} cannot hold or unhold a single leg. Use OpenSIPS ${ONE_LEG_HOLD_VERSION}.0 or later, or ${alternative}.`;
}
