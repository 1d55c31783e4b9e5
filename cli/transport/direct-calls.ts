/** Calls as OpenSIPS itself knows them, without an edge: read from `dlg_list`, and updated by its events. @module */
import type { MiRequester } from '../../adapter/opensips/mi-gateway.ts';
import { describeResponse, type MiResponse } from '../../adapter/opensips/mi-message.ts';
import { applyInput, type Call, newCall } from '../../shared/calls/call.ts';
import { CallCorrelator } from '../../shared/calls/call-correlator.ts';
import type { CallEntry } from '../../shared/calls/call-entries.ts';
import { dialogState, type EviEvent } from '../../shared/opensips/evi.ts';
import { type Dialog, DialogResult, DialogsResult, NOT_FOUND } from '../../shared/opensips/mi.ts';
import type { QueryMethod } from '../../shared/protocol/rpc/queries.ts';
import { quote } from '../../shared/settings/quote.ts';
import { EXIT, Failure } from '../exit.ts';
import type { WatchEvent } from './transport.ts';

/** Dialogs on a page. With its SDP a dialog takes 2 to 4 KB, and a reply of more than 65,457 bytes fails as a whole. */
const PAGE_SIZE = 12;

/** What is known of a call beside what the list of dialogs tells. */
const NOTHING_HIDDEN = {
  seenAt: Number.NEGATIVE_INFINITY,
  owner: undefined,
  transferredTo: undefined,
} as const;

export class DirectCalls {
  readonly #mi: MiRequester;
  readonly #timeouts: { readonly timeoutMs: number; readonly ttlMs: number };
  #correlator: CallCorrelator | undefined;

  constructor(mi: MiRequester, timeoutMs: number) {
    this.#mi = mi;
    this.#timeouts = { timeoutMs, ttlMs: timeoutMs };
  }

  /** Answers `CallList` and `CallGet`, for active calls only: OpenSIPS knows no other. */
  async query(query: QueryMethod, params: object): Promise<unknown> {
    if (query === 'CallGet' && 'callid' in params) {
      const call = await this.#activeCall(String(params.callid));
      if (call) return { call };
      throw new Failure(
        EXIT.failed,
        `OpenSIPS does not know the call ${quote(String(params.callid))}. Run call-api list to see the active calls.`,
      );
    }
    if (query === 'CallList') return { calls: callsOf(await this.#activeDialogs()) };
    throw new Failure(EXIT.usage, `${query} needs an edge. Remove --direct (CALL_API_DIRECT).`);
  }

  /** Reports the active calls, then every change; rejects where OpenSIPS does not list its dialogs. */
  async watch(onEvent: (event: WatchEvent) => void, callid?: string): Promise<void> {
    const correlator = new CallCorrelator(
      (entry: CallEntry) => entry,
      (entry, event, _, data) => {
        const { call } = entry;
        if (callid !== undefined && call.callid !== callid) return;
        const report = (current: Call) =>
          onEvent({ type: 'call', event, call: current, ...(data === undefined ? {} : { data }) });
        // An event does not name the parties, so OpenSIPS is asked for them first.
        if (call.caller !== null || call.state === 'ended') report(call);
        else void this.#findParties(entry).then(() => report({ ...call, ...partiesOf(entry.call) }));
      },
    );
    const dialogs = await this.#activeDialogs();
    const calls = callsOf(dialogs);
    for (const call of calls)
      correlator.restore({
        call,
        dialogs: dialogs.flatMap(({ callid: each, ID, state }) =>
          each === call.callid ? [[ID, state]] : [],
        ),
        ...NOTHING_HIDDEN,
        evidence: {},
      });
    onEvent({
      type: 'calls',
      calls: callid === undefined ? calls : calls.filter((call) => call.callid === callid),
    });
    this.#correlator = correlator;
  }

  onEvent(event: EviEvent): void {
    this.#correlator?.onEvent(event, Date.now());
  }

  /** Fills in the parties of a call; what OpenSIPS does not say stays unknown. */
  async #findParties(entry: CallEntry): Promise<void> {
    const { call } = entry;
    const dialog = await this.#dialog(call.callid).catch(() => undefined);
    if (!dialog || entry.call.caller !== null) return;
    const { call: known } = applyInput(newCall(call.callid, call.began), listed(dialog), call.began);
    entry.call = { ...entry.call, ...partiesOf(known) };
  }

  async #activeCall(callid: string): Promise<Call | undefined> {
    const dialog = await this.#dialog(callid);
    if (dialog && dialog.state !== dialogState.ended) return callOf(dialog);
    // OpenSIPS looks at the first dialog with that Call-ID only. It may have ended while another one stands.
    return callsOf(await this.#activeDialogs()).find((call) => call.callid === callid);
  }

  async #dialog(callid: string): Promise<Dialog | undefined> {
    const answer = await this.#mi.request('dlg_list', { callid }, this.#timeouts);
    const parsed = DialogResult.safeParse('result' in answer ? answer.result : undefined);
    if (parsed.success) return parsed.data.Dialog;
    if ('error' in answer && answer.error.code === NOT_FOUND) return undefined;
    throw unreadable(answer);
  }

  async #activeDialogs(): Promise<Dialog[]> {
    const active: Dialog[] = [];
    for (let index = 0; ; index += PAGE_SIZE) {
      const answer = await this.#mi.request('dlg_list', { index, counter: PAGE_SIZE }, this.#timeouts);
      const parsed = DialogsResult.safeParse('result' in answer ? answer.result : undefined);
      if (!parsed.success) throw unreadable(answer);
      const { Dialogs: dialogs } = parsed.data;
      active.push(...dialogs.filter(({ state }) => state !== dialogState.ended));
      if (dialogs.length < PAGE_SIZE) return active;
    }
  }
}

const listed = (dialog: Dialog) => ({ type: 'listed', dialog }) as const;

const partiesOf = ({ caller, callee }: Call) => ({ caller, callee });

/** Returns the calls of dialogs: several can have one Call-ID. The one that is ahead of the others shows the call. */
function callsOf(dialogs: readonly Dialog[]): Call[] {
  const ahead = new Map<string, Dialog>();
  for (const dialog of dialogs)
    if (dialog.state > (ahead.get(dialog.callid)?.state ?? 0)) ahead.set(dialog.callid, dialog);
  return [...ahead.values()].map(callOf);
}

function callOf(dialog: Dialog): Call {
  const now = Date.now();
  const startedAt = dialog.timestart > 0 ? Math.min(now, dialog.timestart * 1_000) : now;
  return applyInput(newCall(dialog.callid, startedAt), listed(dialog), now).call;
}

function unreadable(answer: MiResponse): Failure {
  return new Failure(
    EXIT.unreachable,
    `OpenSIPS does not list its dialogs: ${describeResponse(answer)}. Run call-api doctor to find out why.`,
  );
}
