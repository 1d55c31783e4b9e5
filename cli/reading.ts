/** `list`, `get` and `watch`: the calls of a site. @module */
import type { Call } from '../shared/calls.ts';
import { CALL_STATES } from '../shared/calls.ts';
import { EXIT, type Exit } from './exit.ts';
import type { Line, News } from './line.ts';
import type { Printer } from './printer.ts';
import { table, text } from './table.ts';
import { newsLine, rowsOf } from './words.ts';

const COLUMNS = ['callid', 'state', 'caller', 'callee', 'for'];
const STANDING = CALL_STATES.filter((state) => state !== 'ended');

export interface Which {
  readonly state?: readonly string[] | undefined;
  readonly address?: string | undefined;
  readonly limit?: number | undefined;
  readonly all?: boolean | undefined;
}

/** The calls that stand, or those that are asked for. */
export async function list(
  line: Line,
  { state, address, limit, all }: Which,
  printer: Printer,
): Promise<Exit> {
  const params = {
    ...(all ? {} : { state: state ?? STANDING }),
    ...(address === undefined ? {} : { address }),
    ...(limit === undefined ? {} : { limit }),
  };
  const { calls, cursor } = (await Promise.race([line.ask('CallList', params), line.broken])) as {
    readonly calls: readonly Call[];
    readonly cursor?: string;
  };
  for (const call of calls) printer.object(call);
  if (!printer.json)
    printer.result(calls.length === 0 ? 'No calls.\n' : table(rowsOf(calls, Date.now()), COLUMNS));
  if (cursor !== undefined) printer.hint('there are more; --limit gives up to 500');
  return EXIT.done;
}

/** One call, and what it has gone through. */
export async function get(line: Line, callid: string, printer: Printer): Promise<Exit> {
  const answer = (await Promise.race([line.ask('CallGet', { callid }), line.broken])) as {
    readonly call: Call;
    readonly timeline?: readonly { readonly at: number; readonly event: string; readonly data?: unknown }[];
  };
  printer.object(answer);
  if (printer.json) return EXIT.done;
  const rows = Object.entries(answer.call);
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, value] of rows) {
    const isTime = ['began', 'answered', 'ended'].includes(name) && typeof value === 'number';
    printer.result(`${name.padEnd(width)}  ${isTime ? new Date(value).toISOString() : text(value)}\n`);
  }
  for (const { at, event, data } of answer.timeline ?? [])
    printer.result(
      `${new Date(at).toISOString()}  ${text(event)}${data === undefined ? '' : `  ${text(data)}`}\n`,
    );
  return EXIT.done;
}

/** What stands, then each change, until Ctrl-C. */
export async function watch(
  line: Line,
  callid: string | undefined,
  printer: Printer,
  interrupt: AbortSignal,
): Promise<Exit> {
  const interrupted = new Promise<Exit>((resolve) => {
    if (interrupt.aborted) resolve(EXIT.interrupted);
    interrupt.addEventListener('abort', () => resolve(EXIT.interrupted), { once: true });
  });
  line.watch((news) => show(news, printer), callid);
  return Promise.race([interrupted, line.broken]);
}

function show(news: News, printer: Printer): void {
  if (news.is === 'calls') {
    for (const call of news.calls) printer.object({ event: 'Standing', call });
    if (!printer.json)
      printer.result(
        news.calls.length === 0
          ? 'No calls; each change is told, until Ctrl-C.\n'
          : table(rowsOf(news.calls, Date.now()), COLUMNS),
      );
    return;
  }
  const { is: _, ...rest } = news;
  printer.object(rest);
  const at = new Date().toTimeString().slice(0, 8);
  const { text: sentence, tone } = newsLine(news);
  printer.line({ text: `${at}  ${sentence}`, tone });
}
