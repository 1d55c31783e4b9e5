/** Judges an OpenSIPS by its answers: its version, its modules and its event subscriptions. Pure. @module */

import type { EventSubscription, MissingCommand } from '../../shared/opensips/diagnostics.ts';
import { EVENT_NAMES } from '../../shared/opensips/evi.ts';
import { type Finding, faulty, passed, unchecked } from './finding.ts';

/** callops, with transfer and hold, exists since 3.1. This software has not been run with anything older than 3.6. */
const OLDEST = [3, 1] as const;
const TESTED = [3, 6] as const;

/** @param version the answer to `version`, such as `OpenSIPS (3.6.8 (x86_64/linux))` */
export function versionFinding(version: string): Finding {
  const [, major, minor] = /\((\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined || minor === undefined)
    return unchecked(
      'opensips',
      `not checked: its version is not known (${version || 'it has not answered'})`,
    );
  const isBefore = ([a, b]: readonly [number, number]) =>
    Number(major) < a || (Number(major) === a && Number(minor) < b);
  const name = `OpenSIPS ${major}.${minor}`;
  if (isBefore(OLDEST))
    return faulty(
      'opensips',
      `${name} is too old: it cannot transfer or hold calls`,
      `update OpenSIPS to ${TESTED.join('.')} or newer (https://opensips.org); callops came with ${OLDEST.join('.')}`,
    );
  if (isBefore(TESTED))
    return passed('opensips', `${name}; this is tested with ${TESTED.join('.')} and newer`);
  return passed('opensips', version);
}

/** @param missing the commands that the answer to `which` lacks */
export function modulesFinding(missing: readonly MissingCommand[]): Finding {
  if (missing.length === 0)
    return passed('modules', 'tm, dialog and callops are loaded, with all commands that are needed');
  const modules = [...new Set(missing.map(({ module }) => module))];
  return faulty(
    'modules',
    `OpenSIPS has no ${missing.map(({ command }) => command).join(', ')}`,
    `load ${modules.map((module) => `${module}.so`).join(', ')} in opensips.cfg (loadmodule), and restart OpenSIPS; docs/opensips.md has a whole script`,
  );
}

/** @param subscriptions those of UDP sockets in the answer to `subscribers_list` */
export function subscriptionsFinding(subscriptions: readonly Omit<EventSubscription, 'socket'>[]): Finding {
  const active = subscriptions.filter(({ ttl }) => ttl === undefined || ttl > 0);
  const missing = EVENT_NAMES.filter((name) => !active.some(({ event }) => event === name));
  if (missing.length > 0)
    return faulty(
      'subscriptions',
      `nobody is subscribed to ${missing.join(', ')}`,
      'load event_datagram.so, dialog.so and callops.so in opensips.cfg, and see the log of the adapter: it subscribes every few seconds until it can',
    );
  const ttls = active.flatMap(({ ttl }) => ttl ?? []);
  const first = ttls.length > 0 ? `; the first lapses in ${Math.min(...ttls)} s unless it is renewed` : '';
  return passed('subscriptions', `all ${EVENT_NAMES.length} events are subscribed${first}`);
}
