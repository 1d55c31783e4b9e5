/**
 * Replays a recorded trace against the runner. Some of the recorded requests stand for commands of clients. The replies
 * of the others are given to the requests that those commands make, at the time of the recording. All events are given
 * to the runner as recorded.
 * @module
 */
import * as z from 'zod';
import { EviEvent } from '../../opensips/evi.ts';
import { featuresOf } from '../../opensips/features.ts';
import { type Dialog, DialogResult, MiError } from '../../opensips/mi.ts';
import { type CallCommand, commandParams } from '../../protocol/rpc/commands.ts';
import type { AdapterRequest } from '../../runner/mi-requests.ts';
import { Runner } from '../../runner/runner.ts';
import type { Notification } from '../../runner/stored-command.ts';

const RecordedRequest = z.object({
  id: z.number(),
  method: z.string(),
  params: z.record(z.string(), z.string()),
});
const RecordedReply = z.object({
  id: z.number(),
  result: z.unknown().optional(),
  error: MiError.optional(),
});
const RecordedEvent = z.object({ method: z.string(), params: z.unknown() });
const TraceLine = z.object({ t: z.number(), dir: z.string(), msg: z.unknown().optional() });
type RecordedRequest = z.infer<typeof RecordedRequest>;
type TraceLine = z.infer<typeof TraceLine>;
type MiReply = { readonly result: unknown } | { readonly error: MiError };

/** Summaries of the notifications of each command, by the id of the recorded request that stands for it. */
export type NotificationsByRequest = Readonly<Record<number, readonly string[]>>;

/** The reply to a request within a dialog. */
const SequentialResult = z.object({ Code: z.number(), Reason: z.string() });
/** The MI command for requests within a dialog, and the SIP methods of the adapter's requests. */
const SEQUENTIAL = 'dlg_send_sequential';
const SIP_METHODS = { refer: 'REFER', hold: 'INVITE', probe: 'OPTIONS' };
const IN_DIALOG = { refer: true, hold: true, timeout_ms: 5_000 };

/** How long the clock runs after the last line. It exceeds every deadline of a command. */
const TIME_AFTER_TRACE_MS = 1_000_000;

/**
 * Replays a trace. Returns the notifications of its commands.
 * @param commandIds the ids of the recorded requests that stand for commands
 * @param isOverlapping whether a command starts although the previous one still runs
 */
export function replay(
  trace: string,
  commandIds: readonly number[],
  isOverlapping: boolean,
): NotificationsByRequest {
  const traceReplay = new TraceReplay(trace, commandIds, isOverlapping);
  traceReplay.run();
  return traceReplay.notifications;
}

class TraceReplay {
  readonly notifications: Record<number, string[]> = {};
  readonly #runner = new Runner('replay', 1, []);
  readonly #lines: TraceLine[];
  readonly #commandIds: readonly number[];
  readonly #isOverlapping: boolean;
  /** Requests of the runner that have no recorded counterpart yet, in order. */
  #unmatchedRequests: AdapterRequest[] = [];
  /** Ids of the runner's requests by the id of the recorded request whose reply they get. */
  readonly #matchedIds = new Map<number, string>();
  /** Letters that replace Call-IDs in the summaries. */
  readonly #letters = new Map<string, string>();
  /** The state of each dialog according to the events so far. */
  readonly #dialogStates = new Map<string, number>();
  #now = 0;
  /** How much a command that waited for the previous one delays everything recorded after it. */
  #lagMs = 0;
  #lineIndex = 0;

  constructor(trace: string, commandIds: readonly number[], isOverlapping: boolean) {
    this.#lines = trace
      .trim()
      .split('\n')
      .map((line) => TraceLine.parse(JSON.parse(line)));
    this.#commandIds = commandIds;
    this.#isOverlapping = isOverlapping;
  }

  run(): void {
    this.#runner.onLinkUp('stream', 0);
    for (const [index, { t, dir, msg }] of this.#lines.entries()) {
      this.#lineIndex = index;
      this.#advanceTo(t + this.#lagMs);
      if (dir === 'mi>') this.#onRecordedRequest(msg);
      if (dir === 'mi<') this.#onRecordedReply(msg);
      if (dir === 'evi<') this.#onRecordedEvent(msg);
    }
    this.#lineIndex = this.#lines.length;
    this.#advanceTo(this.#now + TIME_AFTER_TRACE_MS);
    if (this.#runner.size > 0) throw new Error('a command still runs');
  }

  #onRecordedRequest(msg: unknown): void {
    const request = RecordedRequest.safeParse(msg);
    if (!request.success) return;
    if (this.#commandIds.includes(request.data.id)) this.#startCommand(request.data);
    const match = this.#unmatchedRequests.find((miRequest) => isSameRequest(miRequest, request.data));
    if (!match) return;
    this.#unmatchedRequests = this.#unmatchedRequests.filter((miRequest) => miRequest !== match);
    this.#matchedIds.set(request.data.id, match.id);
  }

  #startCommand(request: RecordedRequest): void {
    while (!this.#isOverlapping && this.#isCommandRunning()) {
      const next = Math.max(this.#now, this.#runner.nextDue);
      this.#lagMs += next - this.#now;
      this.#advanceTo(next);
    }
    const { method, params, callid } = commandOf(request);
    const features = featuresOf(this.#usesInDialog(request) ? { in_dialog: IN_DIALOG } : {});
    this.notifications[request.id] = [];
    const command = { cmdId: `${request.id}`, method, params, subject: 'tester', session: 'one' };
    this.#runner.start(command, { callid, nextHop: 'sip:127.0.0.1:5060', features }, this.#now);
    this.#handleOutput();
  }

  /** Returns whether the recorded command, or the transfer of the recorded call, is a request within a dialog. */
  #usesInDialog({ method, params }: RecordedRequest): boolean {
    if (method !== 't_uac_dlg') return method === SEQUENTIAL;
    const callid = callidIn(params['headers']);
    return this.#lines.some(({ msg }) => {
      const request = RecordedRequest.safeParse(msg);
      return (
        request.success && request.data.method === SEQUENTIAL && request.data.params['callid'] === callid
      );
    });
  }

  #isCommandRunning(): boolean {
    return Object.values(this.notifications).some((events) => events.at(-1) !== 'Ended');
  }

  #onRecordedReply(msg: unknown): void {
    const reply = RecordedReply.safeParse(msg);
    const id = reply.success ? this.#matchedIds.get(reply.data.id) : undefined;
    if (!reply.success || id === undefined) return;
    const { error, result } = adapterReply(reply.data);
    this.#runner.onReply(error ? { id, error } : { id, result }, this.#now);
    this.#handleOutput();
  }

  #onRecordedEvent(msg: unknown): void {
    const { method, params } = RecordedEvent.parse(msg);
    const event = EviEvent.parse({ name: method, params });
    this.#letterOf(event.params.callid);
    if (event.name === 'E_CALL_TRANSFER') this.#letterOf(event.params.transfer_callid);
    if (event.name === 'E_DLG_STATE_CHANGED')
      this.#dialogStates.set(event.params.callid, event.params.new_state);
    this.#runner.onEvent(event, this.#now, this.#now);
    this.#handleOutput();
  }

  #advanceTo(time: number): void {
    while (this.#runner.nextDue <= time) {
      this.#now = Math.max(this.#now, this.#runner.nextDue);
      this.#runner.fireDueTimers(this.#now);
      this.#handleOutput();
    }
    this.#now = Math.max(this.#now, time);
  }

  #handleOutput(): void {
    const { requests, notifications } = this.#runner.takeOutput();
    for (const { command, notification } of notifications)
      this.notifications[Number(command.cmdId)]?.push(this.#summarize(notification));
    for (const miRequest of requests) {
      if (this.#isRecorded(miRequest)) this.#unmatchedRequests.push(miRequest);
      else this.#runner.onReply({ id: miRequest.id, ...this.#replyTo(miRequest) }, this.#now);
    }
    if (requests.length > 0) this.#handleOutput();
  }

  /** Returns whether the trace contains the request, at the current line or later. */
  #isRecorded(miRequest: AdapterRequest): boolean {
    return this.#lines.slice(this.#lineIndex).some(({ dir, msg }, offset) => {
      const request = RecordedRequest.safeParse(dir === 'mi>' ? msg : null);
      if (!request.success || this.#matchedIds.has(request.data.id)) return false;
      if (!isSameRequest(miRequest, request.data)) return false;
      return offset === 0 || !this.#commandIds.includes(request.data.id);
    });
  }

  /** Returns the reply that OpenSIPS would have sent to a request that was not recorded. */
  #replyTo({ method, params }: AdapterRequest): MiReply {
    if (method === 'dlg_list' && 'callid' in params) return this.#dialogReply(String(params['callid']));
    if (method === 'dlg_list')
      return { result: { Dialogs: this.#activeDialogs().slice(Number(params['index'])) } };
    if (!this.#hasEnded(String(params['dialog_id']))) return { result: 'OK' };
    return { error: { code: 404, message: 'Requested Dialog not found' } };
  }

  /** Returns the dialog as the events so far show it. It exists from its INVITE on. */
  #dialogReply(callid: string): MiReply {
    if (this.#hasEnded(callid)) return { error: { code: 404, message: 'No such dialog' } };
    const state = this.#dialogStates.get(callid) ?? 1;
    const Dialog = { ID: '', state, timestart: 0, callid, from_uri: '', to_uri: '' };
    return { result: { Dialog } };
  }

  #hasEnded(callid: string): boolean {
    return this.#dialogStates.get(callid) === 5;
  }

  #activeDialogs(): Dialog[] {
    return this.#lines.flatMap(({ msg }) => {
      const parsed = z.object({ result: DialogResult }).safeParse(msg);
      return parsed.success && !this.#hasEnded(parsed.data.result.Dialog.callid)
        ? [parsed.data.result.Dialog]
        : [];
    });
  }

  #letterOf(callid: string): string {
    const letter = this.#letters.get(callid) ?? String.fromCharCode(65 + this.#letters.size);
    this.#letters.set(callid, letter);
    return letter;
  }

  /** Returns an event with the relevant part of its data: `TransferPending B 180 Ringing`. */
  #summarize({ event, data }: Notification): string {
    if (typeof data === 'string') return `${event}: ${data}`;
    const { callid, leg, destination, extra } = z.record(z.string(), z.string()).parse(data ?? {});
    const letter = callid === undefined ? undefined : this.#letterOf(callid);
    return [event, letter, leg, destination?.replace('sip:', '> '), extra]
      .filter((part) => part !== undefined)
      .join(' ');
  }
}

/** Returns the reply as the adapter gives it to the edge: that to a request within a dialog has the phone's status line. */
function adapterReply({ result, error }: z.infer<typeof RecordedReply>): z.infer<typeof RecordedReply> {
  const answer = SequentialResult.safeParse(result);
  if (answer.success) return { id: 0, result: { status: `${answer.data.Code} ${answer.data.Reason}` } };
  if (error?.code === 408) return { id: 0, result: { status: `408 ${error.message}` } };
  return error ? { id: 0, error } : { id: 0, result };
}

/** Returns whether a request of the runner and a recorded one are for the same operation on the same call. */
function isSameRequest({ type, method, params }: AdapterRequest, recorded: RecordedRequest): boolean {
  if (type === 'in-dialog') {
    const { callid, mode, method: sipMethod } = recorded.params;
    const isSameMethod = SIP_METHODS[method] === sipMethod && recorded.method === SEQUENTIAL;
    return isSameMethod && params['callid'] === callid && params['leg'] === mode;
  }
  if (method !== recorded.method) return false;
  if (method === 't_uac_dlg')
    return callidIn(String(params['headers'])) === callidIn(recorded.params['headers']);
  return ['callid', 'dialog_id', 'destination'].every((name) => params[name] === recorded.params[name]);
}

function callidIn(headers = ''): string {
  return headerIn(headers, 'Call-ID');
}

function headerIn(headers: string, name: string): string {
  return new RegExp(`^${name}: *<?([^>\\r\\n]*)`, 'im').exec(headers)?.[1] ?? '';
}

interface ReplayedCommand {
  readonly method: CallCommand;
  readonly params: unknown;
  /** The Call-ID of the call that the command makes. */
  readonly callid: string;
}

/** Returns the command that a recorded request stands for. */
function commandOf({ method: miMethod, params: miParams }: RecordedRequest): ReplayedCommand {
  const { callid, dialog_id, leg, transfer_callid, transfer_leg, destination, headers = '' } = miParams;
  const { mode, body = '', method: sipMethod } = miParams;
  const command = (method: CallCommand, params: unknown): ReplayedCommand => ({
    method,
    params: commandParams[method].parse(params),
    callid: callidIn(headers),
  });
  switch (miMethod) {
    case 't_uac_dlg':
      return command('CallStart', { caller: headerIn(headers, 'From'), callee: headerIn(headers, 'To') });
    case 'dlg_end_dlg':
      return command('CallEnd', { callid: dialog_id });
    case 'call_hold':
      return command('CallHold', { callid });
    case 'call_unhold':
      return command('CallUnhold', { callid });
    case 'call_transfer':
      return transfer_callid === undefined
        ? command('CallBlindTransfer', { callid, leg, destination })
        : command('CallAttendedTransfer', {
            callidA: callid,
            legA: leg,
            callidB: transfer_callid,
            legB: transfer_leg,
            destination,
          });
    case SEQUENTIAL: {
      if (sipMethod === 'INVITE')
        return command(body.includes('a=sendonly') ? 'CallHold' : 'CallUnhold', { callid, leg: mode });
      const target = /<(.*?)(?:;osid=[^>]*)?>/.exec(headers)?.[1];
      return command('CallBlindTransfer', { callid, leg: mode, destination: target });
    }
    default:
      throw new Error(`no command uses ${miMethod}`);
  }
}
