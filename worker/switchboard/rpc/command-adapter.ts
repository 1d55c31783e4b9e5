/** Which adapter runs a command, or why none does. @module */
import { errorCode, type ParsedMessage, type RpcError } from '../../../shared/protocol/rpc/jsonrpc.ts';
import type { Runner } from '../../../shared/runner/runner.ts';
import { callOf } from '../../../shared/runner/stored-command.ts';
import { quote } from '../../../shared/settings/quote.ts';
import type { Calls } from '../calls/calls.ts';
import { LOST_ADAPTER_MS } from '../link/active-adapters.ts';
import type { ServingAdapter } from '../link/choose-adapter.ts';
import type { SiteAdapters } from '../link/site-adapters.ts';
import type { CommandLog } from '../store/command-log.ts';

/** What knows the adapters of calls. */
export interface CallAdapters {
  readonly calls: Calls;
  readonly runner: Runner;
  readonly commandLog: CommandLog;
  readonly link: { readonly site: SiteAdapters };
}

/** A call that a command names, and its adapter, where all adapters of the site serve it. */
interface NamedCall {
  /** `callid`, `callidA` or `callidB`. */
  readonly param: string;
  readonly callid: string;
  readonly adapter: string;
}

const CALL_PARAMS = ['callid', 'callidA', 'callidB'] as const;

const NO_ADAPTER =
  'No adapter is connected, so OpenSIPS cannot be reached. Start the adapter beside OpenSIPS, and try again.';

/**
 * Returns the adapter that runs a command with these params, and its OpenSIPS, or an error: its calls are at different OpenSIPS, or the
 * adapter is not connected.
 * @param dialFailure why no adapter is connected, where the edge has dialed one
 */
export function adapterFor(
  params: Readonly<Record<string, unknown>>,
  subject: string,
  deps: CallAdapters,
  dialFailure: string | undefined,
  now: number,
): ServingAdapter | { readonly error: RpcError } {
  const { site } = deps.link;
  const named = namedCalls(params, subject, deps);
  const [first] = named;
  const other = site.isReplicated ? undefined : named.find(({ adapter }) => adapter !== first?.adapter);
  if (first && other)
    return {
      error: { code: errorCode.invalidParams, message: 'Invalid params', data: apartText(first, other) },
    };
  const chosen = site.choose(first?.adapter, deps.runner.commands, now);
  if (chosen) return chosen;
  const reason = first && site.set.serving.length > 0 ? lostText(first, site, now) : undefined;
  const data = [reason, dialFailure].filter((each) => each !== undefined).join(' ') || NO_ADAPTER;
  return { error: { code: errorCode.noAdapter, message: 'No adapter connected', data } };
}

/** Returns whether the adapter of each call that a message names serves the site. */
export function areCallsServed({ entries }: ParsedMessage, subject: string, deps: CallAdapters): boolean {
  const { site } = deps.link;
  return entries.every((entry) => {
    if (!('params' in entry) || entry.params === undefined || Array.isArray(entry.params)) return true;
    return namedCalls(entry.params, subject, deps).every(({ adapter }) => site.isServing(adapter));
  });
}

/** Returns the calls whose adapter is known: those that are active, or belong to a CallStart of the subject. */
function namedCalls(
  params: Readonly<Record<string, unknown>>,
  subject: string,
  deps: CallAdapters,
): readonly NamedCall[] {
  if (!deps.link.site.isShared) return [];
  return CALL_PARAMS.flatMap((param) => {
    const callid = params[param];
    if (typeof callid !== 'string') return [];
    const adapter = adapterOf(callid, subject, deps);
    return adapter === undefined ? [] : [{ param, callid, adapter }];
  });
}

/** @param name a Call-ID, or the `cmd_id` of a CallStart of the subject */
function adapterOf(
  name: string,
  subject: string,
  { calls, runner, commandLog }: CallAdapters,
): string | undefined {
  const { byAdapter } = calls;
  const ofCall = byAdapter.adapterOf(name);
  if (ofCall !== undefined) return ofCall;
  const command = runner.find(subject, name) ?? commandLog.findEnded(subject, name);
  // Its call may have been taken over by another adapter since.
  const callid = callOf(command);
  const isMade = callid !== undefined && callid !== 'running';
  return (isMade ? byAdapter.adapterOf(callid) : undefined) ?? command?.adapter;
}

function apartText(first: NamedCall, other: NamedCall): string {
  return (
    `${other.param}: the call ${quote(other.callid)} is at the OpenSIPS of the adapter ${quote(other.adapter)}, and ` +
    `${first.param} is at that of ${quote(first.adapter)}. Only calls at the same OpenSIPS can be joined. Use CallBlindTransfer.`
  );
}

function lostText({ callid, adapter }: NamedCall, { set, isReplicated }: SiteAdapters, now: number): string {
  const lost = set.lost.find((each) => each.adapter === adapter);
  const state = lost ? `was lost ${Math.floor((now - lost.lostAt) / 1_000)} s ago` : 'is about to stop';
  const takenOver = isReplicated ? ', or when another OpenSIPS reports the call' : '';
  return (
    `The call ${quote(callid)} is at the OpenSIPS of the adapter ${quote(adapter)}, which ${state}. Nothing was carried out. ` +
    `Try again when it is connected${takenOver}. If it is not back within ${LOST_ADAPTER_MS / 60_000} minutes, the call counts as ended.`
  );
}
