/** `list`, `get` and `watch`: shows the calls of a site. @module */
import { CALL_STATES, type Call, type CallState } from '../../shared/calls/call.ts';
import { CALL_LIST_LIMIT } from '../../shared/protocol/rpc/queries.ts';
import { alternatives } from '../../shared/settings/quote.ts';
import { EXIT, type Exit, Failure } from '../exit.ts';
import { callRows, changeLabel } from '../output/labels.ts';
import type { Printer } from '../output/printer.ts';
import { table, text } from '../output/table.ts';
import type { Transport, WatchEvent } from '../transport/transport.ts';

const COLUMNS = ['callid', 'state', 'caller', 'callee', 'for'];
/** With ended calls among them. */
const COLUMNS_WITH_END = [...COLUMNS, 'end'];
const ACTIVE_STATES = CALL_STATES.filter((state) => state !== 'ended');

export interface ListFilter {
  readonly state?: readonly CallState[];
  readonly address?: string;
  readonly limit?: number;
  readonly all?: boolean;
  readonly cursor?: string;
}

/** Lists the active calls, or those that the filter names. */
export async function listCalls(
  transport: Transport,
  { state, address, limit, all, cursor: start }: ListFilter,
  printer: Printer,
): Promise<Exit> {
  const unlisted = (state ?? (all ? CALL_STATES : [])).filter((each) => !transport.states.includes(each));
  if (unlisted.length > 0)
    throw new Failure(
      EXIT.usage,
      `OpenSIPS does not list which calls are ${alternatives(unlisted)}: ${state ? '--state needs' : '--all needs'} an edge for that. Use --state ${transport.states.join(' ')}, or remove --direct (CALL_API_DIRECT).`,
    );
  const params = {
    ...(all && !state ? {} : { state: state ?? ACTIVE_STATES }),
    ...(address === undefined ? {} : { address }),
    ...(limit === undefined ? {} : { limit }),
    ...(start === undefined ? {} : { cursor: start }),
  };
  const { calls, cursor } = (await Promise.race([transport.query('CallList', params), transport.failed])) as {
    readonly calls: readonly Call[];
    readonly cursor?: string;
  };
  for (const call of calls) printer.object(call);
  if (!printer.json) printer.result(calls.length === 0 ? 'No calls.\n' : callTable(calls));
  if (cursor !== undefined)
    printer.hint(
      `There may be more calls. Continue with --cursor ${cursor}, or use --limit to list up to ${CALL_LIST_LIMIT.max} at once.`,
    );
  return EXIT.done;
}

/** Shows one call and its timeline. */
export async function getCall(transport: Transport, callid: string, printer: Printer): Promise<Exit> {
  const result = (await Promise.race([transport.query('CallGet', { callid }), transport.failed])) as {
    readonly call: Call;
    readonly timeline?: readonly { readonly at: number; readonly event: string; readonly data?: unknown }[];
  };
  printer.object(result);
  if (printer.json) return EXIT.done;
  const fields = Object.entries(result.call);
  const width = Math.max(...fields.map(([name]) => name.length));
  for (const [name, value] of fields) {
    const isTime = ['began', 'answered', 'ended'].includes(name) && typeof value === 'number';
    printer.result(`${name.padEnd(width)}  ${isTime ? new Date(value).toISOString() : text(value)}\n`);
  }
  for (const { at, event, data } of result.timeline ?? [])
    printer.result(
      `${new Date(at).toISOString()}  ${text(event)}${data === undefined ? '' : `  ${text(data)}`}\n`,
    );
  return EXIT.done;
}

/** Shows the active calls, then each change, as long as somebody can read them. */
export async function watchCalls(
  transport: Transport,
  callid: string | undefined,
  printer: Printer,
): Promise<Exit> {
  transport.watch((event) => show(event, printer), callid);
  return Promise.race([printer.failed, transport.failed]);
}

function callTable(calls: readonly Call[]): string {
  const hasEnded = calls.some(({ state }) => state === 'ended');
  return table(callRows(calls, Date.now()), hasEnded ? COLUMNS_WITH_END : COLUMNS);
}

function show(watched: WatchEvent, printer: Printer): void {
  if (watched.type === 'calls') {
    const { calls } = watched;
    for (const call of calls) printer.object({ event: 'Standing', call });
    if (!printer.json)
      printer.result(
        calls.length === 0 ? 'No active calls. Each change is shown until Ctrl-C.\n' : callTable(calls),
      );
    return;
  }
  const { type: _, ...change } = watched;
  printer.object(change);
  const at = new Date().toTimeString().slice(0, 8);
  const { text: sentence, tone } = changeLabel(watched);
  printer.line({ text: `${at}  ${sentence}`, tone });
}
