/** A call between two phones that MI did not begin. */
import { placeCall } from './new-call.ts';
import type { Opensips } from './opensips.ts';
import { isAnswer } from './ring.ts';

/** `from` and `to` are users. Resolves with the Call-ID when the call stands; rejects when it was refused. */
export async function dial(opensips: Opensips, { from, to }: { from: string; to: string }): Promise<string> {
  const uri = (user: string) => `sip:${user}@${opensips.sip}`;
  const wanted = { caller: from, from: uri(from), target: uri(to) };
  const { call, status } = await placeCall(opensips, opensips.clock.timeline(), wanted);
  if (!isAnswer(status)) throw new Error(`${to} did not answer ${from}: ${status}`);
  return call.callid;
}
