/** CallBlindTransfer: sends a party of a call to another address (RFC 5359 §2.4). @module */
import type { Params } from '../methods.ts';
import { referMachine } from './refer.ts';

export const callBlindTransfer = referMachine(
  ({ callid, leg, destination }: Params<'CallBlindTransfer'>) => ({
    command: { method: 'call_transfer', params: { callid, leg, destination } },
    callid,
    leg,
    destination,
  }),
  (destination) => ({ destination }),
);
