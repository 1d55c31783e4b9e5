/** Checks the invariants of a run, and counts the outcomes that are not violations but are worth a figure. @module */
import type { Ledger } from '../../../simulator/index.ts';
import type { Notification } from '../../harness/client.ts';
import type { FaultClient } from '../harness/fault-client.ts';
import type { CommandRecord } from '../scenario.ts';
import { isIndeterminate } from './errors.ts';
import { checkEventOrder } from './event-order.ts';
import { isLateHold } from './hold.ts';
import { findLateRequests } from './late-requests.ts';
import { checkOutcome, findPhantomCalls, keepsRinging, lacksStatus } from './outcomes.ts';
import { findRepeatedRequests } from './repeated-requests.ts';

/** What must never occur, as named in the report. */
export const INVARIANTS = [
  'MI requests run twice',
  'outcomes that differ from the ledger',
  'commands without exactly one Ended, last',
  'notifications out of order',
  'notifications missing after a resume',
  'phones that ring for a command that has ended',
  'calls believed active that OpenSIPS does not have',
  'what the client or the edge did wrong by itself',
  'promises of the client that were not kept',
  'lists of calls that differ from CallList',
  'commands that faults of another OpenSIPS have affected',
] as const;

export interface Violation {
  readonly invariant: (typeof INVARIANTS)[number];
  readonly details: string;
}

export interface CheckResult {
  readonly violations: readonly Violation[];
  readonly commandCount: number;
  /** Commands that ended as `unknown`, or by a deadline although only a fault can explain that. */
  readonly indeterminate: readonly CommandRecord[];
  /** Commands that the client has given up because no edge had answered in time. */
  readonly lost: number;
  /** CallStarts that failed but left a phone ringing. */
  readonly keptRinging: number;
  /** Hold commands whose outcome was reported as unknown, but which were executed. */
  readonly lateHolds: number;
  /** Right outcomes without the SIP status that a phone or the script has sent. */
  readonly missingStatuses: number;
}

/** @param retained all notifications that the edge retains for the client's session */
export function checkInvariants(
  commands: readonly CommandRecord[],
  client: FaultClient,
  retained: readonly Notification[],
  ledger: Ledger,
): CheckResult {
  const violations: Violation[] = [];
  const report = (invariant: Violation['invariant'], findings: readonly string[]) => {
    for (const details of findings) violations.push({ invariant, details });
  };
  report('MI requests run twice', findRepeatedRequests(ledger));
  for (const command of commands) {
    const label = `#${command.n} ${command.method} ${command.cmdId} ${JSON.stringify(command.params)}`;
    // Of one that is lost, the promises are checked: oracle/promises.ts.
    const disorder =
      command.isLost || command.isRefused
        ? undefined
        : checkEventOrder(command.method, client.notificationsOf(command.cmdId));
    const isAboutEnded = /^\d+ times Ended|after Ended/.test(disorder ?? '');
    if (disorder !== undefined)
      report(isAboutEnded ? 'commands without exactly one Ended, last' : 'notifications out of order', [
        `${label}: ${disorder}`,
      ]);
    report(
      'outcomes that differ from the ledger',
      checkOutcome(command, commands, ledger).map((difference) => `${label}: ${difference}`),
    );
  }
  report('what the client or the edge did wrong by itself', client.violations);
  report('notifications missing after a resume', compareWithReplay(client.notifications, retained));
  report('phones that ring for a command that has ended', findLateRequests(commands, ledger));
  report('calls believed active that OpenSIPS does not have', findPhantomCalls(commands, ledger));
  return {
    violations,
    commandCount: commands.length,
    indeterminate: commands.filter((command) => isIndeterminate(command) || command.isLost),
    lost: commands.filter(({ isLost }) => isLost).length,
    keptRinging: commands.filter((command) => keepsRinging(command, ledger)).length,
    lateHolds: commands.filter(isLateHold).length,
    missingStatuses: commands.filter((command) => lacksStatus(command, ledger)).length,
  };
}

function compareWithReplay(received: readonly Notification[], retained: readonly Notification[]): string[] {
  const findings: string[] = [];
  const receivedBySeq = new Map(received.map((notification) => [notification.seq, comparable(notification)]));
  for (const notification of retained) {
    const expected = comparable(notification);
    const actual = receivedBySeq.get(notification.seq);
    if (actual === undefined) findings.push(`never received: ${expected}`);
    else if (actual !== expected) findings.push(`received as ${actual}, retained as ${expected}`);
    receivedBySeq.delete(notification.seq);
  }
  for (const text of receivedBySeq.values()) findings.push(`received, but not retained: ${text}`);
  return findings;
}

/** Returns what a notification says, whichever order its fields have. */
function comparable({ seq, cmd_id, event, data, error }: Notification): string {
  return JSON.stringify({ seq, cmd_id, event, data, error });
}
