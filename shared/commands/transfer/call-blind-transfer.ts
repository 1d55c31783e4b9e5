/** CallBlindTransfer: sends a party of a call to another address (RFC 5359 §2.4). @module */
import type { CommandParams } from '../../protocol/rpc/commands.ts';
import { transferMachine } from './transfer-command.ts';

export const callBlindTransfer = transferMachine(
  ({ callid, leg, destination }: CommandParams<'CallBlindTransfer'>) => ({ callid, leg, destination }),
  (destination) => ({ destination }),
);
