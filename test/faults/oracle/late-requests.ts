/** Finds phones that ring for commands that have ended: requests that reach OpenSIPS too late. @module */
import type { Ledger, RecordedRequest } from '../../../simulator/index.ts';
import type { CommandRecord } from '../scenario.ts';

/** How long a datagram may be on its way (the largest delay of the fault rates is 50 ms), and its process be busy. */
const TOLERANCE_MS = 500;

/** The client learns of the end later than it happens, so a late request may be missed, but none is reported wrongly. */
export function findLateRequests(commands: readonly CommandRecord[], ledger: Ledger): string[] {
  return commands.flatMap((command) =>
    ledger.requests
      .filter((request) => isOf(command, request))
      .filter(({ receivedAt }) => command.endedAt > 0 && receivedAt - command.endedAt > TOLERANCE_MS)
      .map(
        ({ method, receivedAt }) =>
          `#${command.n} ${command.method} ${command.cmdId}: ${method} arrived ${receivedAt - command.endedAt} ms after Ended`,
      ),
  );
}

/** Whether the request makes a phone ring for the command. Its users occur in no other command. */
function isOf(
  { method: command, params: wanted, parties }: CommandRecord,
  request: RecordedRequest,
): boolean {
  const { ruri, destination, headers, transfer_callid } = (request.params ?? {}) as Readonly<
    Record<string, unknown>
  >;
  const names = (value: unknown, user: string) => String(value ?? '').includes(`:${user}@`);
  switch (request.method) {
    case 't_uac_dlg':
      return parties !== undefined && names(ruri, parties.caller);
    case 'call_transfer':
    case 'dlg_send_sequential': {
      const target = String(destination ?? /^Refer-To: (.*)$/m.exec(String(headers ?? ''))?.[1]);
      // An attended transfer names a user of another command's call.
      if (transfer_callid !== undefined || target.includes('?Replaces=')) return false;
      if (parties !== undefined) return names(target, parties.callee);
      const user = /:([^@]+)@/.exec(String(wanted['destination']))?.[1];
      return command === 'CallBlindTransfer' && user !== undefined && names(target, user);
    }
    default:
      return false;
  }
}
