/**
 * A mixed load in which every address and every other `cmd_id` carries whose it is (`t1-s2-ann`), so that whatever
 * crosses from one to another is seen in any text.
 * @module
 */
import { type Client, callidOf, type Told } from '../stack/client.ts';

/** Who makes a load, by the mark in all that is theirs. */
export interface Whose {
  /** `t1-s2`. */
  readonly place: string;
  /** `t1-s2-ann`. */
  readonly mark: string;
}

/** The marks in a text, each once: of places (`t1-s2`) and of subjects (`t1-s2-ann`). */
export function marksIn(text: string): Set<string> {
  return new Set(text.match(/t\d-s\d(?:-(?:ann|bob|key|eve))?/g));
}

/** An address of theirs; its user part chooses the simulated phone's manners. */
export function address(user: string, { place, mark }: Whose): string {
  return `sip:${user}.${mark}@${place}.test:5060`;
}

/** The Call-IDs in a text. */
export function callidsIn(text: string): Set<string> {
  return new Set([...text.matchAll(/"callid[AB]?":"([^"]+)"/g)].map(([, callid = '']) => callid));
}

/**
 * Makes a call, holds it, moves it on and ends it; calls one who is busy; holds what there is not. Of the names of the
 * commands every other one is the same for all who do this.
 * @returns the events of each command, in order
 */
export async function load(client: Client, whose: Whose, session: string): Promise<Record<string, Told[]>> {
  const shared = (name: string) => `${session}-${name}`;
  const own = (name: string) => `${whose.mark}.${session}.${name}`;
  const caller = address('keep', whose);
  const start = (callee: string, cmdId: string) =>
    client.toEnd('CallStart', { caller, callee: address(callee, whose), cmd_id: cmdId });

  const echo = await client.toEnd('Echo', { said: whose.mark, cmd_id: shared('echo') });
  const started = await start('bob', shared('start'));
  const callid = callidOf(started, 'CalleeAnswered');
  const hold = await client.toEnd('CallHold', { callid, cmd_id: own('hold') });
  const unhold = await client.toEnd('CallUnhold', { callid, cmd_id: shared('unhold') });
  const busy = await start('phone-busy', own('busy'));
  const moved = await client.toEnd('CallBlindTransfer', {
    ...{ callid, leg: 'callee', destination: address('carol', whose), cmd_id: shared('move') },
  });
  const nobody = await client.toEnd('CallHold', { callid: `nobody-${whose.mark}`, cmd_id: shared('nobody') });
  const end = await client.toEnd('CallEnd', {
    ...{ callid: callidOf(moved, 'TransferSuccessful'), cmd_id: own('end') },
  });
  return { echo, started, hold, unhold, busy, moved, nobody, end };
}
