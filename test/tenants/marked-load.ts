/**
 * A mixed load whose addresses, and every other `cmd_id`, contain a marker of their owner (`t1-s2-ann`). Data that leaks
 * from one owner to another can then be found in any text.
 * @module
 */
import { type Client, callidOf, type Notification } from '../harness/client.ts';

/** The subject that generates a load, by the markers in its data. */
export interface TrafficOwner {
  /** `t1-s2`. */
  readonly siteMarker: string;
  /** `t1-s2-ann`. */
  readonly marker: string;
}

/** Returns the distinct markers in a text: of sites (`t1-s2`) and of subjects (`t1-s2-ann`). */
export function findMarkers(text: string): Set<string> {
  return new Set(text.match(/t\d-s\d(?:-(?:ann|bob|key|eve))?/g));
}

/** Returns a SIP address with the owner's markers. The simulated phone behaves as `user` says. */
export function markedAddress(user: string, { siteMarker, marker }: TrafficOwner): string {
  return `sip:${user}.${marker}@${siteMarker}.test:5060`;
}

/** Returns the distinct Call-IDs in a JSON text. */
export function findCallIds(text: string): Set<string> {
  return new Set([...text.matchAll(/"callid[AB]?":"([^"]+)"/g)].map(([, callid = '']) => callid));
}

/**
 * Makes a call, holds it, transfers it and ends it; calls a busy phone; and holds an unknown call. Every other `cmd_id` is
 * the same for all owners.
 *
 * @returns the notifications of each command, in order
 */
export async function runMarkedLoad(
  client: Client,
  owner: TrafficOwner,
  session: string,
): Promise<Record<string, Notification[]>> {
  const sharedId = (name: string) => `${session}-${name}`;
  const ownId = (name: string) => `${owner.marker}.${session}.${name}`;
  const caller = markedAddress('keep', owner);
  const start = (callee: string, cmdId: string) =>
    client.runToEnd('CallStart', { caller, callee: markedAddress(callee, owner), cmd_id: cmdId });

  const echo = await client.runToEnd('Echo', { said: owner.marker, cmd_id: sharedId('echo') });
  const started = await start('bob', sharedId('start'));
  const callid = callidOf(started, 'CalleeAnswered');
  const hold = await client.runToEnd('CallHold', { callid, cmd_id: ownId('hold') });
  const unhold = await client.runToEnd('CallUnhold', { callid, cmd_id: sharedId('unhold') });
  const busy = await start('phone-busy', ownId('busy'));
  const transferred = await client.runToEnd('CallBlindTransfer', {
    ...{ callid, leg: 'callee', destination: markedAddress('carol', owner), cmd_id: sharedId('move') },
  });
  const unknownCall = await client.runToEnd('CallHold', {
    callid: `unknown-${owner.marker}`,
    cmd_id: sharedId('unknown'),
  });
  const end = await client.runToEnd('CallEnd', {
    ...{ callid: callidOf(transferred, 'TransferSuccessful'), cmd_id: ownId('end') },
  });
  return { echo, started, hold, unhold, busy, transferred, unknownCall, end };
}
