/** Judges an OpenSIPS by its answers: its version, its modules and its event subscriptions. Pure. @module */

import type { EventSubscription, MissingCommand } from '../../shared/opensips/diagnostics.ts';
import { EVENT_NAMES } from '../../shared/opensips/evi.ts';
import { type Finding, faulty, passed, unchecked } from './finding.ts';

/** callops, with transfer and hold, exists since 3.1. This software has not been run with anything older than 3.4. */
const OLDEST = [3, 1] as const;
const TESTED = [3, 4] as const;
/** The first version that can send a REFER within a call. */
const RECOMMENDED = [3, 6] as const;

/** @param version the answer to `version`, such as `OpenSIPS (3.6.8 (x86_64/linux))` */
export function versionFinding(version: string): Finding {
  const [, major, minor] = /\((\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined || minor === undefined)
    return unchecked(
      'opensips',
      `Not checked: the version is not known${version === '' ? '' : ` (${version})`}.`,
    );
  const isBefore = ([a, b]: readonly [number, number]) =>
    Number(major) < a || (Number(major) === a && Number(minor) < b);
  const name = `OpenSIPS ${major}.${minor}`;
  if (isBefore(OLDEST))
    return faulty(
      'opensips',
      `${name} is too old: it cannot hold and transfer calls.`,
      `Update OpenSIPS to ${RECOMMENDED.join('.')} or later (https://opensips.org). The module callops exists since ${OLDEST.join('.')}.`,
    );
  if (isBefore(TESTED))
    return passed('opensips', `${name}. The Call API is tested with ${TESTED.join('.')} and later.`);
  return passed('opensips', `${version}.`);
}

/** @param missing the commands that the answer to `which` lacks */
export function modulesFinding(missing: readonly MissingCommand[]): Finding {
  if (missing.length === 0)
    return passed('modules', 'The modules tm, dialog and callops are loaded, with all required commands.');
  const modules = [...new Set(missing.map(({ module }) => module))];
  return faulty(
    'modules',
    `OpenSIPS does not have the MI commands ${missing.map(({ command }) => command).join(', ')}.`,
    `Load ${modules.map((module) => `${module}.so`).join(', ')} in opensips.cfg (loadmodule), and restart OpenSIPS. docs/opensips.md has a complete script.`,
  );
}

/** @param subscriptions those of UDP sockets in the answer to `subscribers_list` */
export function subscriptionsFinding(subscriptions: readonly Omit<EventSubscription, 'socket'>[]): Finding {
  const active = subscriptions.filter(({ ttl }) => ttl === undefined || ttl > 0);
  const missing = EVENT_NAMES.filter((name) => !active.some(({ event }) => event === name));
  if (missing.length > 0)
    return faulty(
      'subscriptions',
      `There is no subscription to ${missing.join(', ')}.`,
      'Load event_datagram.so, dialog.so and callops.so in opensips.cfg, and restart OpenSIPS. The log of the adapter says why it cannot subscribe.',
    );
  const ttls = active.flatMap(({ ttl }) => ttl ?? []);
  const first =
    ttls.length > 0 ? ` The first one expires in ${Math.min(...ttls)} s unless it is renewed.` : '';
  return passed('subscriptions', `There are subscriptions to all ${EVENT_NAMES.length} events.${first}`);
}
