/** Calls as OpenSIPS itself knows them, without an edge: read from `dlg_list`. @module */
import type { MiRequester } from '../../adapter/opensips/mi-gateway.ts';
import { describeResponse, type MiResponse } from '../../adapter/opensips/mi-message.ts';
import type { Call } from '../../shared/calls/call.ts';
import { addressOf, matches } from '../../shared/calls/call-filter.ts';
import { dialogState } from '../../shared/opensips/evi.ts';
import { type Dialog, DialogResult, DialogsResult, NOT_FOUND } from '../../shared/opensips/mi.ts';
import { type QueryMethod, queryParams } from '../../shared/protocol/rpc/queries.ts';
import { showValue, validate } from '../../shared/protocol/validation/validate.ts';
import { quote } from '../../shared/settings/quote.ts';
import { EXIT, Failure } from '../exit.ts';
import { callOf, callsOf } from './dialog-calls.ts';
import type { DialogReader } from './direct-watch.ts';

/** Dialogs on a page. With its SDP a dialog takes 2 to 4 KB, and a reply of more than 65,457 bytes fails as a whole. */
const PAGE_SIZE = 12;

export class DirectCalls implements DialogReader {
  readonly #mi: MiRequester;
  readonly #timeouts: { readonly timeoutMs: number; readonly ttlMs: number };

  constructor(mi: MiRequester, timeoutMs: number) {
    this.#mi = mi;
    this.#timeouts = { timeoutMs, ttlMs: timeoutMs };
  }

  /** Answers `CallList` and `CallGet` as the edge does, for active calls only: OpenSIPS knows no other. */
  async query(query: QueryMethod, params: object): Promise<unknown> {
    if (query === 'CallGet' && 'callid' in params) {
      const callid = String(params.callid);
      const dialog = await this.find(callid);
      if (dialog) return { call: callOf(dialog) };
      throw new Failure(
        EXIT.failed,
        `OpenSIPS does not know the call ${quote(callid)}. Run call-api list to see the active calls.`,
      );
    }
    if (query === 'CallList') return this.#list(params);
    throw new Failure(EXIT.usage, `${query} needs an edge. Remove --direct (CALL_API_DIRECT).`);
  }

  async list(): Promise<readonly Dialog[]> {
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

  async find(callid: string): Promise<Dialog | undefined> {
    const dialog = await this.#dialog(callid);
    if (dialog && dialog.state !== dialogState.ended) return dialog;
    // OpenSIPS looks at the first dialog with that Call-ID only. It may have ended while another one stands.
    return (await this.list()).find((each) => each.callid === callid);
  }

  async #list(params: object): Promise<{ readonly calls: readonly Call[]; readonly cursor?: string }> {
    const checked = validate(queryParams.CallList, params, 'params');
    if (!checked.success) throw new Failure(EXIT.usage, checked.error);
    const { state, address: text, since, limit, cursor = '0' } = checked.data;
    const address = text === undefined ? undefined : addressOf(text);
    if (text !== undefined && address === undefined)
      throw new Failure(
        EXIT.usage,
        `address: ${showValue(text)} is neither a SIP URI nor user@host. Use one such as alice@example.com.`,
      );
    const states = typeof state === 'string' ? [state] : state;
    const found = callsOf(await this.list())
      .filter((call) => matches(call, { states, address, since }))
      .sort((one, other) => other.began - one.began);
    const end = Number(cursor) + limit;
    return {
      calls: found.slice(Number(cursor), end),
      ...(end < found.length ? { cursor: String(end) } : {}),
    };
  }

  async #dialog(callid: string): Promise<Dialog | undefined> {
    const answer = await this.#mi.request('dlg_list', { callid }, this.#timeouts);
    const parsed = DialogResult.safeParse('result' in answer ? answer.result : undefined);
    if (parsed.success) return parsed.data.Dialog;
    if ('error' in answer && answer.error.code === NOT_FOUND) return undefined;
    throw unreadable(answer);
  }
}

function unreadable(answer: MiResponse): Failure {
  return new Failure(
    EXIT.unreachable,
    `OpenSIPS does not list its dialogs: ${describeResponse(answer)}. Run call-api doctor to find out why.`,
  );
}
