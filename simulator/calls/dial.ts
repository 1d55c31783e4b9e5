/** A call between two phones that no MI command started. @module */
import type { OpenSips } from '../opensips/opensips.ts';
import { placeCall } from './place-call.ts';
import { isSuccess } from './ring-phone.ts';

/** Resolves with the Call-ID when the call is answered; rejects when it is refused. `from` and `to` are users. */
export async function dial(opensips: OpenSips, { from, to }: { from: string; to: string }): Promise<string> {
  if (opensips.hasCrashed) throw new Error('OpenSIPS has crashed. Restart it first.');
  const uriOf = (user: string) => `sip:${user}@${opensips.sipAddress}`;
  const request = { caller: from, from: uriOf(from), target: uriOf(to) };
  const { call, status } = await placeCall(opensips, opensips.clock.timeline(), request);
  if (!isSuccess(status)) throw new Error(`${to} did not answer ${from}: ${status}`);
  return call.callid;
}
