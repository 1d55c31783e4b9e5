/** Which requests within a dialog an OpenSIPS can send. Pure. @module */
import * as z from 'zod';
import type { InDialogSupport } from '../../shared/opensips/in-dialog.ts';
import { SEND_SEQUENTIAL_NAMES } from '../opensips/send-sequential.ts';

/**
 * The first versions in which the command can do it: `body` was seen to work in 3.4.18; 3.4 refuses `headers`, and so a
 * Refer-To (modules/dialog/dialog.c of each version, run on 3.4.18, 3.6.8 and 4.0.1).
 */
const HOLD_VERSION = [3, 4] as const;
const REFER_VERSION = [3, 6] as const;

/** Returns whether the result of `which` lists the command; undefined if it is not a list of names. */
export function listsSendSequential(which: unknown): boolean | undefined {
  const names = z.array(z.string()).safeParse(which);
  return names.success ? SEND_SEQUENTIAL_NAMES.some((name) => names.data.includes(name)) : undefined;
}

/**
 * Returns what is supported; undefined if that is nothing. What is not known yet is taken as supported: an OpenSIPS without the
 * command refuses it, which harms nothing, whereas the `call_hold` that would replace it can end OpenSIPS (trace `hold-vanished`).
 * @param version the result of the MI command `version`, such as `OpenSIPS (3.6.8 (x86_64/linux))`; empty while unknown
 * @param hasCommand whether `which` lists the command; undefined while unknown
 */
export function inDialogSupport(
  version: string,
  hasCommand: boolean | undefined,
  timeoutMs: number,
): InDialogSupport | undefined {
  if (hasCommand === false) return undefined;
  const refer = version === '' || isAtLeast(version, REFER_VERSION);
  const hold = version === '' || isAtLeast(version, HOLD_VERSION);
  return refer || hold ? { refer, hold, timeout_ms: timeoutMs } : undefined;
}

function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const match = /\(([0-9]+)\.([0-9]+)/.exec(version);
  if (match === null) return false;
  const [ownMajor, ownMinor] = [Number(match[1]), Number(match[2])];
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
