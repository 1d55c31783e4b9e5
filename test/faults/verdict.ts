/** What a run has shown: each promise that was broken, and the figures. @module */
import type { Ledger } from '../../simulator/index.ts';
import type { Told } from '../stack/client.ts';
import type { ResumingClient } from './client.ts';
import { disorder } from './order.ts';
import type { Ran } from './scenario.ts';
import { isUnsure, misreads, phantoms, ringsOn, untruths, wasDoneAfterAll } from './truth.ts';

/** The promises, as the report names them. */
export const PROMISES = [
  'MI requests run twice',
  'outcomes that differ from the ledger',
  'commands without exactly one Ended, last',
  'notifications out of order',
  'notifications missing after a resume',
  'calls taken for standing that OpenSIPS has not',
] as const;

export interface Violation {
  readonly promise: (typeof PROMISES)[number];
  readonly what: string;
}

export interface Verdict {
  readonly violations: readonly Violation[];
  readonly commands: number;
  /** Ended as `unknown`, or by a deadline that only a fault explains. */
  readonly unsure: readonly Ran[];
  /** A phone rang on though its CallStart had failed. */
  readonly ringsOn: number;
  /** Told to have run out of time, and done all the same. */
  readonly doneAfterAll: number;
  /** The right outcome for a wrong reason. */
  readonly misread: number;
}

/**
 * The MI command that a command never gives twice. A REFER or a re-INVITE whose answer was lost may be asked for once
 * more under another id, because OpenSIPS refuses it where it was taken: what came of it is looked at instead.
 */
const ONCE = 't_uac_dlg';

/** @param kept all that the edge has kept for the client's session */
export function judge(
  ran: readonly Ran[],
  client: ResumingClient,
  kept: readonly Told[],
  ledger: Ledger,
): Verdict {
  const violations: Violation[] = [];
  const blame = (promise: Violation['promise'], whats: readonly string[]) => {
    for (const what of whats) violations.push({ promise, what });
  };
  blame('MI requests run twice', repeated(ledger));
  for (const each of ran) {
    const name = `#${each.n} ${each.method} ${each.cmdId} ${JSON.stringify(each.params)}`;
    const all = client.told(each.cmdId);
    const wrong = disorder(each.method, all);
    const ended = /^\d+ times Ended|after Ended/.test(wrong ?? '');
    if (wrong !== undefined)
      blame(ended ? 'commands without exactly one Ended, last' : 'notifications out of order', [
        `${name}: ${wrong}`,
      ]);
    blame(
      'outcomes that differ from the ledger',
      untruths(each, ran, ledger).map((what) => `${name}: ${what}`),
    );
  }
  blame('notifications out of order', client.complaints);
  blame('notifications missing after a resume', differences(client.all, kept));
  blame('calls taken for standing that OpenSIPS has not', phantoms(ran, ledger));
  return {
    violations,
    commands: ran.length,
    unsure: ran.filter(isUnsure),
    ringsOn: ran.filter((each) => ringsOn(each, ledger)).length,
    doneAfterAll: ran.filter(wasDoneAfterAll).length,
    misread: ran.filter((each) => misreads(each, ledger)).length,
  };
}

function repeated(ledger: Ledger): string[] {
  const wrong: string[] = [];
  const given = new Map<string, number>();
  for (const { id, method } of ledger.requests) {
    const key = String(id);
    if (ledger.timesSeen(key) > 1) wrong.push(`${method} ${key} arrived ${ledger.timesSeen(key)} times`);
    const command = /^(\w+\.\d+)\.\d+$/.exec(key)?.[1];
    if (command === undefined || method !== ONCE) continue;
    const times = (given.get(command) ?? 0) + 1;
    given.set(command, times);
    if (times > 1) wrong.push(`command ${command} has asked for ${method} ${times} times`);
  }
  const from = ledger.dialogs.flatMap(({ transferredFrom }) => transferredFrom ?? []);
  for (const callid of from.filter((each, n) => from.indexOf(each) !== n))
    wrong.push(`${callid} was transferred twice`);
  return wrong;
}

function differences(got: readonly Told[], kept: readonly Told[]): string[] {
  const wrong: string[] = [];
  const heard = new Map(got.map((told) => [told.seq, JSON.stringify(told)]));
  for (const told of kept) {
    const same = heard.get(told.seq);
    if (same === undefined) wrong.push(`never heard: ${JSON.stringify(told)}`);
    else if (same !== JSON.stringify(told)) wrong.push(`heard as ${same}, kept as ${JSON.stringify(told)}`);
    heard.delete(told.seq);
  }
  for (const extra of heard.values()) wrong.push(`heard, but not kept: ${extra}`);
  return wrong;
}
