/** Finds what was requested twice, although once is all that a phone or OpenSIPS may get. @module */
import type { Ledger, RecordedRequest } from '../../../simulator/index.ts';

export function findRepeatedRequests(ledger: Ledger): string[] {
  return [...findRepeatedArrivals(ledger), ...findRepeatedPerCommand(ledger), ...findSurplusCalls(ledger)];
}

/** A request of one id arrives once, however often the link reconnects. */
function findRepeatedArrivals(ledger: Ledger): string[] {
  return ledger.requests.flatMap(({ id, method }) => {
    const arrivals = ledger.countRequests(String(id));
    return arrivals > 1 ? [`${method} ${String(id)} arrived ${arrivals} times`] : [];
  });
}

/** OpenSIPS refuses none of these if they are repeated under another id: each would reach the phone. */
function findRepeatedPerCommand(ledger: Ledger): string[] {
  const countByRequest = new Map<string, number>();
  for (const request of ledger.requests) {
    const command = /^(\w+\.\d+)\.\d+$/.exec(String(request.id))?.[1];
    const description = describeOnce(request);
    if (command === undefined || description === undefined) continue;
    const key = `command ${command} has requested ${description}`;
    countByRequest.set(key, (countByRequest.get(key) ?? 0) + 1);
  }
  return [...countByRequest].flatMap(([key, count]) => (count > 1 ? [`${key} ${count} times`] : []));
}

/** Returns what a command may request only once: the INVITE, the REFER, and the re-INVITE of a leg in one direction. */
function describeOnce({ method, params }: RecordedRequest): string | undefined {
  if (method === 't_uac_dlg') return method;
  if (method !== 'dlg_send_sequential') return undefined;
  const { method: sipMethod, mode, body } = params as Readonly<Record<string, string | undefined>>;
  const direction = /^a=(sendonly|inactive)\r?$/m.test(body ?? '') ? 'hold' : 'resume';
  return sipMethod === 'INVITE' ? `${direction} of the ${mode}` : `${sipMethod} to the ${mode}`;
}

/** Each REFER makes one call at most. */
function findSurplusCalls(ledger: Ledger): string[] {
  const refers = ledger.requests.flatMap(({ method, params }) => {
    const { method: sipMethod, callid } = (params ?? {}) as Readonly<Record<string, unknown>>;
    return method === 'call_transfer' || sipMethod === 'REFER' ? [callid] : [];
  });
  const newCallids = new Map<string, Set<string>>();
  for (const { callid, transferredFrom } of ledger.dialogs) {
    if (transferredFrom === undefined) continue;
    newCallids.set(transferredFrom, (newCallids.get(transferredFrom) ?? new Set()).add(callid));
  }
  return [...newCallids].flatMap(([callid, { size }]) => {
    const referCount = refers.filter((each) => each === callid).length;
    return size > referCount ? [`${callid}: ${referCount} REFERs have made ${size} calls`] : [];
  });
}
