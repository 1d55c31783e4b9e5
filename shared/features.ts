/** What an OpenSIPS can do, by its version. @module */

/** Since then callops takes a `leg` to hold or unhold; 3.6 answers -32602 (run on 3.6.8 and 4.0.1). */
const HOLDS_ONE_LEG = 4;

/**
 * Why this OpenSIPS cannot do what is asked, in a sentence for the client; undefined where it can. `version` is as
 * `version` of MI answers, `OpenSIPS (3.6.8 (x86_64/linux))`; empty while that is not known.
 */
export function lackOf(
  params: Readonly<Record<string, unknown>>,
  method: string,
  version: string,
): string | undefined {
  if (method !== 'CallHold' && method !== 'CallUnhold') return undefined;
  if (params['leg'] === undefined) return undefined;
  const [, number, major] = /\((([0-9]+)\.[0-9][0-9a-z.-]*)/.exec(version) ?? [];
  const otherwise = 'leave leg out to ask for both';
  if (major === undefined) return `leg: the version of OpenSIPS is not known yet; try again, or ${otherwise}`;
  if (Number(major) >= HOLDS_ONE_LEG) return undefined;
  return `leg: OpenSIPS ${number} cannot hold or unhold one leg alone, which needs ${HOLDS_ONE_LEG}.0 or newer; ${otherwise}`;
}
