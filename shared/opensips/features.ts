/** What can be requested of an OpenSIPS, by its version and by what its adapter supports. @module */
import type { OpenSipsStatus } from '../protocol/link.ts';
import type { InDialogSupport } from './in-dialog.ts';

/** The first version whose `callops` can hold or unhold a single leg. 3.6 replies -32602 (tested with 3.6.8 and 4.0.1). */
const ONE_LEG_HOLD_VERSION = 4;

/** callops' default for its parameter `match_param`. */
const MATCH_PARAM = 'osid';

/** What commands need to know of an OpenSIPS and its adapter. */
export interface OpenSipsFeatures {
  /** Absent: the adapter sends no requests within a dialog, so transfers and holds use the commands of callops. */
  readonly inDialog?: InDialogSupport;
  /** The URI parameter with the id of the transferred dialog. */
  readonly matchParam: string;
  /** The party in From of the INVITE to the caller's phone. */
  readonly setUpFrom: 'caller' | 'callee';
  /** The transport that SIP addresses without one get. */
  readonly transport?: string;
}

/** Returns the features that an adapter has reported; the defaults for one that has reported nothing. */
export function featuresOf(status?: Partial<OpenSipsStatus>): OpenSipsFeatures {
  const { in_dialog: inDialog, match_param: matchParam, set_up_from: setUpFrom, transport } = status ?? {};
  return {
    ...(inDialog ? { inDialog } : {}),
    matchParam: matchParam ?? MATCH_PARAM,
    setUpFrom: setUpFrom ?? 'callee',
    ...(transport === undefined ? {} : { transport }),
  };
}

/**
 * Returns why this OpenSIPS cannot run a command, as a sentence for the client; undefined if it can.
 * @param status OpenSIPS as its adapter reports it. Its `version` is the result of the MI command `version`, such as
 * `OpenSIPS (3.6.8 (x86_64/linux))`, and empty while unknown
 */
export function unsupportedReason(
  params: Readonly<Record<string, unknown>>,
  method: string,
  { version, in_dialog: inDialog }: Pick<OpenSipsStatus, 'version' | 'in_dialog'>,
): string | undefined {
  if (method !== 'CallHold' && method !== 'CallUnhold') return undefined;
  if (params['leg'] === undefined || inDialog?.hold) return undefined;
  const [, number, major] = /\((([0-9]+)\.[0-9][0-9a-z.-]*)/.exec(version) ?? [];
  const alternative = 'leave leg out to change both legs';
  if (major === undefined)
    return `leg: the version of OpenSIPS is not known yet. Try again, or ${alternative}.`;
  if (Number(major) >= ONE_LEG_HOLD_VERSION) return undefined;
  return `leg: callops of OpenSIPS ${number} cannot hold or unhold a single leg. Use OpenSIPS ${ONE_LEG_HOLD_VERSION}.0 or later, an adapter with --engine auto, or ${alternative}.`;
}
