/** Calls as OpenSIPS itself knows them, without an edge: read from `dlg_list`, and kept by its events. @module */
import type { MiClient } from '../adapter/mi.ts';
import { CallBook, type Entry } from '../shared/call-book.ts';
import { apply, begin, type Call } from '../shared/calls.ts';
import { dialogState, type EviEvent } from '../shared/evi.ts';
import type { Query } from '../shared/methods.ts';
import { type Dialog, DialogResult, DialogsResult, NOT_FOUND } from '../shared/mi.ts';
import { EXIT, Failure } from './exit.ts';
import type { News } from './line.ts';

/** Dialogs to a page: with their SDP they take 2 to 4 KB each, and a reply over 65,457 bytes fails whole. */
const PAGE = 12;

export class DirectCalls {
  readonly #mi: MiClient;
  readonly #patience: { readonly timeoutMs: number; readonly ttlMs: number };
  #book: CallBook | undefined;

  constructor(mi: MiClient, timeoutMs: number) {
    this.#mi = mi;
    this.#patience = { timeoutMs, ttlMs: timeoutMs };
  }

  /** `CallList` and `CallGet`, of the calls that stand: OpenSIPS knows no other. */
  async ask(query: Query, params: object): Promise<unknown> {
    if (query === 'CallGet' && 'callid' in params) {
      const call = await this.#call(String(params.callid));
      if (call) return { call };
      throw new Failure(EXIT.failed, 'OpenSIPS knows no such call: call-api list tells which stand');
    }
    if (query === 'CallList') return { calls: await this.#all() };
    throw new Failure(EXIT.usage, `${query} is the edge's: leave --direct out`);
  }

  /** Tells what stands, then every change; rejects where OpenSIPS does not say it. */
  async watch(hear: (news: News) => void, callid?: string): Promise<void> {
    const book = new CallBook(
      (entry: Entry) => entry,
      (entry, event, _, data) => {
        const { call } = entry;
        if (callid !== undefined && call.callid !== callid) return;
        const tell = (now: Call) =>
          hear({ is: 'call', event, call: now, ...(data === undefined ? {} : { data }) });
        // An event does not say who speaks; before it is told, OpenSIPS is asked.
        if (call.caller !== null || call.state === 'ended') tell(call);
        else void this.#introduce(entry).then(() => tell({ ...call, ...partiesOf(entry.call) }));
      },
    );
    const calls = await this.#all();
    for (const call of calls) book.restore({ call });
    hear({
      is: 'calls',
      calls: callid === undefined ? calls : calls.filter((each) => each.callid === callid),
    });
    this.#book = book;
  }

  event(event: EviEvent): void {
    this.#book?.event(event, Date.now());
  }

  /** Finds out who speaks; what OpenSIPS does not say stays unknown. */
  async #introduce(entry: Entry): Promise<void> {
    const { call } = entry;
    const dialog = await this.#dialog(call.callid).catch(() => undefined);
    if (!dialog || entry.call.caller !== null) return;
    const { call: known } = apply(begin(call.callid, call.began), listed(dialog), call.began);
    entry.call = { ...entry.call, ...partiesOf(known) };
  }

  async #call(callid: string): Promise<Call | undefined> {
    const dialog = await this.#dialog(callid);
    return dialog && dialog.state !== dialogState.ended ? callOf(dialog) : undefined;
  }

  async #dialog(callid: string): Promise<Dialog | undefined> {
    const answer = await this.#mi.request('dlg_list', { callid }, this.#patience);
    const read = DialogResult.safeParse('result' in answer ? answer.result : undefined);
    if (read.success) return read.data.Dialog;
    if ('error' in answer && answer.error.code === NOT_FOUND) return undefined;
    throw unread(answer);
  }

  async #all(): Promise<Call[]> {
    const calls: Call[] = [];
    for (let index = 0; ; index += PAGE) {
      const answer = await this.#mi.request('dlg_list', { index, counter: PAGE }, this.#patience);
      const read = DialogsResult.safeParse('result' in answer ? answer.result : undefined);
      if (!read.success) throw unread(answer);
      const { Dialogs: dialogs } = read.data;
      calls.push(...dialogs.filter(({ state }) => state !== dialogState.ended).map(callOf));
      if (dialogs.length < PAGE) return calls;
    }
  }
}

const listed = (dialog: Dialog) => ({ type: 'listed', dialog }) as const;

const partiesOf = ({ caller, callee }: Call) => ({ caller, callee });

function callOf(dialog: Dialog): Call {
  const now = Date.now();
  const since = dialog.timestart > 0 ? Math.min(now, dialog.timestart * 1_000) : now;
  return apply(begin(dialog.callid, since), listed(dialog), now).call;
}

function unread(answer: object): Failure {
  const said = 'error' in answer ? JSON.stringify(answer.error) : JSON.stringify(answer);
  return new Failure(
    EXIT.unreachable,
    `OpenSIPS does not list its dialogs (${said}): call-api doctor tells what is wrong`,
  );
}
