/** Judges how transfers and holds are sent: as requests within the call, or by the commands of callops. Pure. @module */
import type { InDialogSupport } from '../../shared/opensips/in-dialog.ts';
import { type Finding, faulty, passed, unchecked } from './finding.ts';

/** callops, with transfer and hold, exists since 3.1. */
const OLDEST = [3, 1] as const;
/** `dlg_send_sequential` is used from 3.4 on for holds, and from 3.6 on for transfers as well. */
const HOLD = [3, 4] as const;
/** callops of earlier versions can crash when a held phone does not answer (seen on 3.4.18 and 3.6.8, never on 4.0.1). */
const SAFE_CALLOPS = [4, 0] as const;

const ONE_TRANSFER =
  'callops (call_transfer) allows one attempt a call, and does not say why a phone refuses it';
const HOLD_CRASH =
  'OpenSIPS can crash when a phone has lost its network and is put on hold by callops (call_hold)';

/**
 * @param version the result of `version`, such as `OpenSIPS (3.6.8 (x86_64/linux))`
 * @param support what is sent within a call; undefined if nothing is
 * @param hasCommand whether `which` lists `dlg_send_sequential`; undefined if it is not known
 */
export function engineFinding(
  version: string,
  support: Pick<InDialogSupport, 'refer' | 'hold'> | undefined,
  hasCommand: boolean | undefined,
): Finding {
  const match = /\((\d+)\.(\d+)/.exec(version);
  if (match === null) return unchecked('engine', 'Not checked: the version of OpenSIPS is not known.');
  const own: Version = [Number(match[1]), Number(match[2])];
  const name = `OpenSIPS ${own.join('.')}`;
  if (!isAtLeast(own, OLDEST)) return unchecked('engine', `Not checked: ${name} is too old.`);
  if (support?.refer && support.hold)
    return passed(
      'engine',
      'Transfers are sent as REFER within the call, and holds as re-INVITE (dlg_send_sequential).',
    );
  if (support?.hold)
    return passed(
      'engine',
      `Holds are sent as re-INVITE within the call (dlg_send_sequential). Transfers use callops, since ${name} cannot send REFER: ${ONE_TRANSFER}. OpenSIPS 3.6 and later can.`,
    );
  if (isAtLeast(own, SAFE_CALLOPS) && hasCommand !== false)
    return passed('engine', `Transfers and holds use callops: ${ONE_TRANSFER}.`);
  const says = `Transfers and holds use callops. ${ONE_TRANSFER}.${isAtLeast(own, SAFE_CALLOPS) ? '' : ` ${HOLD_CRASH}.`}`;
  if (!isAtLeast(own, HOLD))
    return faulty('engine', says, 'Update OpenSIPS to 3.6 or later (https://opensips.org).');
  return hasCommand === false
    ? faulty(
        'engine',
        says,
        `OpenSIPS lacks the MI command dlg_send_sequential, which ${name} has: load its own dialog.so in opensips.cfg, and restart OpenSIPS.`,
      )
    : faulty(
        'engine',
        says,
        'Start the adapter with --engine auto (ADAPTER_ENGINE), and update it if it does not know that setting.',
      );
}

type Version = readonly [major: number, minor: number];

function isAtLeast([major, minor]: Version, [minMajor, minMinor]: Version): boolean {
  return major > minMajor || (major === minMajor && minor >= minMinor);
}
