/**
 * Sends the requests within a dialog: reads the dialog, builds the request, and runs the MI command `dlg_send_sequential`, which
 * responds when the phone has.
 * @module
 */
import { dialogState, type EviEvent, type Leg } from '../../shared/opensips/evi.ts';
import {
  type InDialogMethod,
  InDialogParams,
  type InDialogRequest,
  type InDialogResult,
} from '../../shared/opensips/in-dialog.ts';
import { NOT_FOUND } from '../../shared/opensips/mi.ts';
import type { MiResponse } from '../opensips/mi-message.ts';
import type { RequestTimeouts } from '../opensips/request-timeouts.ts';
import { type FullDialog, partyOf, sdpFor } from './dialog.ts';
import { type Matching, referDestination, referToHeader } from './refer-to.ts';
import { holdSdp } from './sdp-direction.ts';
import { SdpVersions, sdpVersion, withSdpVersion } from './sdp-version.ts';
import { refusal, type SequentialRequest, type SequentialSender } from './sequential.ts';

const INVALID_PARAMS = -32602;

/**
 * For the response to `dlg_list`, in milliseconds; OpenSIPS takes 1 ms on loopback. Reading can be repeated, so a lost datagram costs
 * this long and not the whole request.
 */
const READ_TIMEOUT_MS = 1_000;

/** What the requests need of OpenSIPS. */
export interface InDialogDependencies {
  /** Returns the dialog of this Call-ID that has not ended, with its SDP, or why it cannot be read. */
  readonly findDialog: (callid: string, timeouts: RequestTimeouts) => Promise<FullDialog | MiResponse>;
  readonly send: SequentialSender;
  readonly matching: Matching;
  /** Returns the Unix time in milliseconds. */
  readonly clock: () => number;
}

/** What was found out before the request is sent, or why it is not sent. */
type Plan = { readonly request: SequentialRequest; readonly details?: Partial<InDialogResult> } | MiResponse;

export class InDialogRequests {
  readonly #dependencies: InDialogDependencies;
  readonly #versions = new SdpVersions();

  constructor(dependencies: InDialogDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Sends a request. The result is an {@link InDialogResult}; a phone that refuses is a result, too. An error means that nothing
   * was sent: 404 (no dialog), 410 (not answered yet), 480 (no SDP), 400 (an address that cannot be written into a header),
   * -32602 (invalid params), or an error of OpenSIPS. No error contains SDP.
   * @param id must not be the id of another MI request
   */
  async run(
    method: InDialogMethod,
    params: Readonly<Record<string, unknown>>,
    timeouts: RequestTimeouts,
    id?: string,
  ): Promise<MiResponse> {
    const request = parseRequest(method, params);
    if (request === undefined) return refusal(INVALID_PARAMS, `The params of ${method} are invalid`);
    const startedAt = performance.now();
    const { ttlMs, sendWithinMs = ttlMs } = timeouts;
    const plan = await this.#plan(request, { ...timeouts, ttlMs: sendWithinMs });
    if (!('request' in plan)) return plan;
    const elapsedMs = performance.now() - startedAt;
    if (elapsedMs >= sendWithinMs) return { outcome: 'expired' };
    const limits = {
      ...timeouts,
      ttlMs: ttlMs - elapsedMs,
      ...(sendWithinMs < ttlMs ? { sendWithinMs: sendWithinMs - elapsedMs } : {}),
    };
    const response = await this.#dependencies.send(plan.request, limits, id);
    if (!('status' in response)) return response;
    return { result: { status: response.status, ...plan.details } satisfies InDialogResult };
  }

  /** Forgets what was sent in a dialog that has ended. */
  onEvent(event: EviEvent): void {
    if (event.name === 'E_DLG_STATE_CHANGED' && event.params.new_state === dialogState.ended)
      this.#versions.forget(event.params.id);
  }

  async #plan(request: InDialogRequest, timeouts: RequestTimeouts): Promise<Plan> {
    const { callid, leg } = request.params;
    const dialog = await this.#readDialog(callid, timeouts, 'Dialog not found');
    if (!('ID' in dialog)) return dialog;
    if (dialog.state !== dialogState.acknowledged) return refusal(410, 'Dialog not ready');
    switch (request.method) {
      case 'refer':
        return this.#planRefer(request, dialog, timeouts);
      case 'hold':
        return this.#planHold(dialog, leg, request.params.direction);
      case 'probe':
        return { request: { callid, leg, method: 'OPTIONS' }, details: detailsOf(dialog, leg) };
    }
  }

  async #planRefer(
    { params }: Extract<InDialogRequest, { method: 'refer' }>,
    dialog: FullDialog,
    timeouts: RequestTimeouts,
  ): Promise<Plan> {
    const { matching } = this.#dependencies;
    const { callid, leg, replaced_callid: replacedCallid, replaced_leg: replacedLeg } = params;
    let address = params.destination;
    let replaced: { callid: string; fromTag: string; toTag: string } | undefined;
    if (replacedCallid !== undefined && replacedLeg !== undefined) {
      const other = await this.#readDialog(replacedCallid, timeouts, 'Transfer dialog not found');
      if (!('ID' in other)) return other;
      const [party, opposite] = [partyOf(other, replacedLeg), partyOf(other, oppositeOf(replacedLeg))];
      if (party.tag === '' || opposite.tag === '') return refusal(410, 'Transfer dialog not ready');
      // The tags as `mi_call_attended_transfer` of callops has them: the party that is dialed is the local one.
      replaced = { callid: other.callid, toTag: party.tag, fromTag: opposite.tag };
      address ||= party.uri;
    }
    const destination = referDestination(address, matching);
    const headers =
      destination === undefined ? undefined : referToHeader(destination, dialog, matching, replaced);
    if (destination === undefined || headers === undefined)
      return refusal(400, 'The destination or a Call-ID has characters that a Refer-To header cannot have');
    return {
      request: { callid, leg, method: 'REFER', headers },
      details: { ...detailsOf(dialog, leg), destination },
    };
  }

  #planHold(dialog: FullDialog, leg: Leg, direction: 'hold' | 'resume'): Plan {
    const original = sdpFor(dialog, leg);
    // Another body, such as a multipart one, would need its own Content-Type, which OpenSIPS does not give.
    if (original?.startsWith('v=') !== true) return refusal(480, 'The dialog has no SDP');
    const version = sdpVersion(original);
    const ageMs = this.#dependencies.clock() - dialog.timestart * 1_000;
    const offer =
      version === undefined
        ? original
        : withSdpVersion(original, this.#versions.next(dialog.ID, leg, version, ageMs));
    const sdp = direction === 'hold' ? holdSdp(offer) : offer;
    return {
      request: { callid: dialog.callid, leg, method: 'INVITE', sdp },
      details: detailsOf(dialog, leg),
    };
  }

  async #readDialog(
    callid: string,
    timeouts: RequestTimeouts,
    notFoundMessage: string,
  ): Promise<FullDialog | MiResponse> {
    const dialog = await this.#findDialog(callid, performance.now() + timeouts.ttlMs);
    if ('ID' in dialog)
      return dialog.state === dialogState.ended ? refusal(NOT_FOUND, notFoundMessage) : dialog;
    if ('error' in dialog && dialog.error.code === NOT_FOUND) return refusal(NOT_FOUND, notFoundMessage);
    // Nothing was sent to a phone, so no outcome may say that something may have been.
    return 'outcome' in dialog && dialog.outcome === 'timeout' ? { outcome: 'expired' } : dialog;
  }

  /** Reads the dialog, again and again until there is a response or the deadline has passed. */
  async #findDialog(callid: string, deadline: number): Promise<FullDialog | MiResponse> {
    for (;;) {
      const ttlMs = deadline - performance.now();
      const dialog = await this.#dependencies.findDialog(callid, {
        timeoutMs: Math.min(READ_TIMEOUT_MS, ttlMs),
        ttlMs,
      });
      const isLost = 'outcome' in dialog && dialog.outcome === 'timeout';
      if (!isLost || performance.now() + READ_TIMEOUT_MS >= deadline) return dialog;
    }
  }
}

function parseRequest(
  method: InDialogMethod,
  params: Readonly<Record<string, unknown>>,
): InDialogRequest | undefined {
  switch (method) {
    case 'refer': {
      const parsed = InDialogParams.refer.safeParse(params);
      if (!parsed.success) return undefined;
      const isAttended = parsed.data.replaced_callid !== undefined;
      const isComplete = isAttended === (parsed.data.replaced_leg !== undefined);
      return isComplete ? { method, params: parsed.data } : undefined;
    }
    case 'hold': {
      const parsed = InDialogParams.hold.safeParse(params);
      return parsed.success ? { method, params: parsed.data } : undefined;
    }
    case 'probe': {
      const parsed = InDialogParams.probe.safeParse(params);
      return parsed.success ? { method, params: parsed.data } : undefined;
    }
  }
}

function detailsOf(dialog: FullDialog, leg: Leg): Partial<InDialogResult> {
  return { dialog_id: dialog.ID, contact: partyOf(dialog, leg).contact };
}

const oppositeOf = (leg: Leg): Leg => (leg === 'caller' ? 'callee' : 'caller');
