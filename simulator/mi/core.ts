/** The core's own commands (trace `about`). */
import { STATE } from '../dialog.ts';
import type { Opensips } from '../opensips.ts';
import { type Command, invalidParams, type Params } from './command.ts';
import { WHICH } from './which.ts';

export const CORE: Readonly<Record<string, Command>> = {
  version: { recipes: [[]], run: ({ version }) => ({ Server: version }) },
  which: { recipes: [[]], run: () => WHICH },
  uptime: { recipes: [[]], run: uptime },
  get_statistics: { recipes: [['statistics']], run: statistics },
};

function uptime({ upSince }: Opensips): unknown {
  const now = Date.now();
  return {
    Now: ctime(now),
    'Up since': ctime(upSince),
    'Up time': `${Math.floor((now - upSince) / 1_000)} [sec]`,
  };
}

/** C's ctime: `Mon Nov 23 09:34:42 2026`, in local time. */
function ctime(at: number): string {
  const date = new Date(at);
  const day = date
    .toDateString()
    .replace(/ \d{4}$/, '')
    .replace(/ 0(\d)$/, '  $1');
  return `${day} ${date.toTimeString().slice(0, 8)} ${date.getFullYear()}`;
}

/** The two statistics of the dialog module that tell how many calls there are. */
function statistics({ dialogs }: Opensips, { statistics }: Params): unknown {
  if (!Array.isArray(statistics)) throw invalidParams(`Bad type for parameter 'statistics'`);
  let [active, early] = [0, 0];
  for (const { state } of dialogs.all()) {
    if (state === STATE.answered || state === STATE.acknowledged) active++;
    if (state === STATE.unconfirmed || state === STATE.ringing) early++;
  }
  const known: Params = { 'dialog:active_dialogs': active, 'dialog:early_dialogs': early };
  const asked = (name: string) =>
    statistics.some((wanted) => name.split(':').includes(wanted) || wanted === name);
  return Object.fromEntries(
    Object.entries(known).filter(([name]) => asked(name) || statistics.includes('dialog:')),
  );
}
