/**
 * CallAttendedTransfer: connects a party of one call with a party of another (RFC 5359 §2.5, Replaces of RFC 3891). The
 * phone that is replaced ends its call itself.
 * @module
 */
import type { CommandParams } from '../../protocol/rpc/commands.ts';
import { transferMachine } from './transfer-command.ts';

export const callAttendedTransfer = transferMachine(
  ({ callidA, legA, callidB, legB, destination = '' }: CommandParams<'CallAttendedTransfer'>) => ({
    callid: callidA,
    leg: legA,
    destination,
    replaced: { callid: callidB, leg: legB },
  }),
  () => undefined,
);
