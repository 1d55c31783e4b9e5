/** What is to be said of an OpenSIPS by what it answers. Pure. @module */
import type { Missing, Subscription } from '../../shared/diagnosis.ts';
import { EVENT_NAMES } from '../../shared/evi.ts';
import { type Finding, ill, unknown, well } from './finding.ts';

/** callops, with transfer and hold, is there since 3.1; what is older than 3.6 nobody has run with this. */
const OLDEST = [3, 1] as const;
const TESTED = [3, 6] as const;

/** By what `version` answers, `OpenSIPS (3.6.8 (x86_64/linux))`. */
export function versionFinding(version: string): Finding {
  const [, major, minor] = /\((\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined || minor === undefined)
    return unknown('opensips', `not checked: its version is not known (${version || 'it has not answered'})`);
  const isBefore = ([a, b]: readonly [number, number]) =>
    Number(major) < a || (Number(major) === a && Number(minor) < b);
  const name = `OpenSIPS ${major}.${minor}`;
  if (isBefore(OLDEST))
    return ill(
      'opensips',
      `${name} is too old: it cannot transfer or hold calls`,
      `update OpenSIPS to ${TESTED.join('.')} or newer (https://opensips.org); callops came with ${OLDEST.join('.')}`,
    );
  if (isBefore(TESTED)) return well('opensips', `${name}; this is tested with ${TESTED.join('.')} and newer`);
  return well('opensips', version);
}

/** By what `which` lacks. */
export function modulesFinding(missing: readonly Missing[]): Finding {
  if (missing.length === 0)
    return well('modules', 'tm, dialog and callops are loaded, with all commands that are needed');
  const modules = [...new Set(missing.map(({ module }) => module))];
  return ill(
    'modules',
    `OpenSIPS has no ${missing.map(({ command }) => command).join(', ')}`,
    `load ${modules.map((module) => `${module}.so`).join(', ')} in opensips.cfg (loadmodule), and restart OpenSIPS; docs/opensips.md has a whole script`,
  );
}

/** By what `subscribers_list` shows of those who hear by UDP. */
export function subscriptionsFinding(standing: readonly Omit<Subscription, 'socket'>[]): Finding {
  const live = standing.filter(({ ttl }) => ttl === undefined || ttl > 0);
  const lacking = EVENT_NAMES.filter((name) => !live.some(({ event }) => event === name));
  if (lacking.length > 0)
    return ill(
      'subscriptions',
      `nobody is subscribed to ${lacking.join(', ')}`,
      'load event_datagram.so, dialog.so and callops.so in opensips.cfg, and see the log of the adapter: it subscribes every few seconds until it can',
    );
  const ttls = live.flatMap(({ ttl }) => ttl ?? []);
  const first = ttls.length > 0 ? `; the first lapses in ${Math.min(...ttls)} s unless it is renewed` : '';
  return well('subscriptions', `all ${EVENT_NAMES.length} events are subscribed${first}`);
}
