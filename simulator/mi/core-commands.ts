/** The MI commands of OpenSIPS's core (trace `about`). @module */
import { DIALOG_STATE } from '../opensips/dialog.ts';
import type { OpenSips } from '../opensips/opensips.ts';
import { invalidParams, type MiCommand, type Params } from './command.ts';
import { listCommandNames } from './command-names.ts';

export const CORE_COMMANDS: Readonly<Record<string, MiCommand>> = {
  version: { recipes: [[]], run: ({ version }) => ({ Server: version }) },
  which: { recipes: [[]], run: ({ version }) => listCommandNames(version) },
  uptime: { recipes: [[]], run: getUptime },
  get_statistics: { recipes: [['statistics']], run: getStatistics },
};

function getUptime({ startedAt }: OpenSips): unknown {
  const now = Date.now();
  return {
    Now: formatCtime(now),
    'Up since': formatCtime(startedAt),
    'Up time': `${Math.floor((now - startedAt) / 1_000)} [sec]`,
  };
}

/** Formats a time as C's ctime does: `Mon Nov 23 09:34:42 2026`, in local time. */
function formatCtime(time: number): string {
  const date = new Date(time);
  const day = date
    .toDateString()
    .replace(/ \d{4}$/, '')
    .replace(/ 0(\d)$/, '  $1');
  return `${day} ${date.toTimeString().slice(0, 8)} ${date.getFullYear()}`;
}

/** Returns the number of calls: two statistics of the dialog module. */
function getStatistics({ dialogs }: OpenSips, { statistics }: Params): unknown {
  if (!Array.isArray(statistics)) throw invalidParams(`Bad type for parameter 'statistics'`);
  let [active, early] = [0, 0];
  for (const { state } of dialogs.all()) {
    if (state === DIALOG_STATE.answered || state === DIALOG_STATE.acknowledged) active++;
    if (state === DIALOG_STATE.unconfirmed || state === DIALOG_STATE.ringing) early++;
  }
  const known: Params = { 'dialog:active_dialogs': active, 'dialog:early_dialogs': early };
  const isRequested = (name: string) =>
    statistics.some((requested) => name.split(':').includes(requested) || requested === name);
  return Object.fromEntries(
    Object.entries(known).filter(([name]) => isRequested(name) || statistics.includes('dialog:')),
  );
}
