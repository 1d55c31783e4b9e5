/**
 * Replays a recorded trace to the runner. Some of the recorded requests are taken for a client's commands; the others
 * answer the requests that those commands make themselves, at the time of the recording. Every event comes as it came.
 * @module
 */
import * as z from 'zod';
import { EviEvent } from '../../evi.ts';
import type { Mi } from '../../link.ts';
import { type Method, methods } from '../../methods.ts';
import { type Dialog, DialogResult, MiError } from '../../mi.ts';
import { Runner } from '../../runner.ts';
import type { Told } from '../../stored-command.ts';

const Request = z.object({ id: z.number(), method: z.string(), params: z.record(z.string(), z.string()) });
const Answer = z.object({ id: z.number(), result: z.unknown().optional(), error: MiError.optional() });
const Raised = z.object({ method: z.string(), params: z.unknown() });
const Line = z.object({ t: z.number(), dir: z.string(), msg: z.unknown().optional() });
type Request = z.infer<typeof Request>;
type Line = z.infer<typeof Line>;

/** Recorded requests that are commands, by their id, and what their clients must be told. */
export type Course = Readonly<Record<number, readonly string[]>>;

/** So long the clock runs on after the last line: past every deadline of a command. */
const AFTERMATH_MS = 1_000_000;

/** Replays a trace; `overlapping`: its commands don't wait for one another. Answers what each client was told. */
export function replay(trace: string, commands: readonly number[], overlapping: boolean): Course {
  const stage = new Replay(trace, commands, overlapping);
  stage.run();
  return stage.told;
}

class Replay {
  readonly told: Record<number, string[]> = {};
  readonly #runner = new Runner('replay', 1, []);
  readonly #lines: Line[];
  readonly #commands: readonly number[];
  readonly #overlapping: boolean;
  /** Requests of ours that wait for an answer, in the order of asking. */
  #open: Mi[] = [];
  /** Ours by the id of the recorded one that answers it. */
  readonly #bound = new Map<number, string>();
  readonly #letters = new Map<string, string>();
  /** Each call's dialog state, as far as the recording told. */
  readonly #states = new Map<string, number>();
  #now = 0;
  /** A command that waited for its predecessor delays all that was recorded after it. */
  #lag = 0;
  #at = 0;

  constructor(trace: string, commands: readonly number[], overlapping: boolean) {
    this.#lines = trace
      .trim()
      .split('\n')
      .map((line) => Line.parse(JSON.parse(line)));
    this.#commands = commands;
    this.#overlapping = overlapping;
  }

  run(): void {
    this.#runner.linkUp('stream', 0);
    for (const [at, { t, dir, msg }] of this.#lines.entries()) {
      this.#at = at;
      this.#pass(t + this.#lag);
      if (dir === 'mi>') this.#asked(msg);
      if (dir === 'mi<') this.#answered(msg);
      if (dir === 'evi<') this.#raised(msg);
    }
    this.#at = this.#lines.length;
    this.#pass(this.#now + AFTERMATH_MS);
    if (this.#runner.size > 0) throw new Error('a command still runs');
  }

  #asked(msg: unknown): void {
    const request = Request.safeParse(msg);
    if (!request.success) return;
    if (this.#commands.includes(request.data.id)) this.#command(request.data);
    const open = this.#open.find((mi) => sameQuestion(mi, request.data));
    if (!open) return;
    this.#open = this.#open.filter((mi) => mi !== open);
    this.#bound.set(request.data.id, open.id);
  }

  #command({ id, method, params }: Request): void {
    while (!this.#overlapping && Object.values(this.told).some((told) => told.at(-1) !== 'Ended')) {
      const waited = Math.max(this.#now, this.#runner.due);
      this.#lag += waited - this.#now;
      this.#pass(waited);
    }
    const [ours, theirs, callid] = commandOf(method, params);
    this.told[id] = [];
    const what = { cmdId: `${id}`, method: ours, params: theirs, subject: 'tester', session: 'one' };
    this.#runner.start(what, { callid, nextHop: 'sip:127.0.0.1:5060' }, this.#now);
    this.#take();
  }

  #answered(msg: unknown): void {
    const answer = Answer.safeParse(msg);
    const id = answer.success ? this.#bound.get(answer.data.id) : undefined;
    if (!answer.success || id === undefined) return;
    const { error, result } = answer.data;
    this.#runner.reply(error ? { id, error } : { id, result }, this.#now);
    this.#take();
  }

  #raised(msg: unknown): void {
    const { method, params } = Raised.parse(msg);
    const event = EviEvent.parse({ name: method, params });
    this.#letter(event.params.callid);
    if (event.name === 'E_CALL_TRANSFER') this.#letter(event.params.transfer_callid);
    if (event.name === 'E_DLG_STATE_CHANGED') this.#states.set(event.params.callid, event.params.new_state);
    this.#runner.event(event, this.#now, this.#now);
    this.#take();
  }

  #pass(until: number): void {
    while (this.#runner.due <= until) {
      this.#now = Math.max(this.#now, this.#runner.due);
      this.#runner.tick(this.#now);
      this.#take();
    }
    this.#now = Math.max(this.#now, until);
  }

  #take(): void {
    const { requests, told } = this.#runner.take();
    for (const each of told) this.told[Number(each.command.cmdId)]?.push(this.#inShort(each.told));
    for (const mi of requests) {
      if (this.#isRecorded(mi)) this.#open.push(mi);
      else this.#runner.reply({ id: mi.id, ...this.#answerTo(mi) }, this.#now);
    }
    if (requests.length > 0) this.#take();
  }

  /** Was it asked in the recording too, now or later? */
  #isRecorded(mi: Mi): boolean {
    return this.#lines.slice(this.#at).some(({ dir, msg }, after) => {
      const request = Request.safeParse(dir === 'mi>' ? msg : null);
      if (!request.success || this.#bound.has(request.data.id) || !sameQuestion(mi, request.data))
        return false;
      return after === 0 || !this.#commands.includes(request.data.id);
    });
  }

  /** What OpenSIPS would have said where the recorder did not ask. */
  #answerTo({ method, params }: Mi): { result: unknown } | { error: MiError } {
    if (method === 'dlg_list' && 'callid' in params) return this.#shown(String(params['callid']));
    if (method === 'dlg_list')
      return { result: { Dialogs: this.#standing().slice(Number(params['index'])) } };
    const gone = this.#isGone(String(params['dialog_id']));
    return gone ? { error: { code: 404, message: 'Requested Dialog not found' } } : { result: 'OK' };
  }

  /** A dialog as far as the recording knows it: there from its INVITE on. */
  #shown(callid: string): { result: unknown } | { error: MiError } {
    if (this.#isGone(callid)) return { error: { code: 404, message: 'No such dialog' } };
    const state = this.#states.get(callid) ?? 1;
    const Dialog = { ID: '', state, timestart: 0, callid, from_uri: '', to_uri: '' };
    return { result: { Dialog } };
  }

  #isGone(callid: string): boolean {
    return this.#states.get(callid) === 5;
  }

  #standing(): Dialog[] {
    return this.#lines.flatMap(({ msg }) => {
      const shown = z.object({ result: DialogResult }).safeParse(msg);
      return shown.success && !this.#isGone(shown.data.result.Dialog.callid)
        ? [shown.data.result.Dialog]
        : [];
    });
  }

  #letter(callid: string): string {
    const letter = this.#letters.get(callid) ?? String.fromCharCode(65 + this.#letters.size);
    this.#letters.set(callid, letter);
    return letter;
  }

  /** An event with what matters of its data: `TransferPending B 180 Ringing`. */
  #inShort({ event, data }: Told): string {
    if (typeof data === 'string') return `${event}: ${data}`;
    const { callid, leg, destination, extra } = z.record(z.string(), z.string()).parse(data ?? {});
    const letter = callid === undefined ? undefined : this.#letter(callid);
    return [event, letter, leg, destination?.replace('sip:', '> '), extra]
      .filter((part) => part !== undefined)
      .join(' ');
  }
}

/** Do they ask for the same thing of the same call? */
function sameQuestion(mi: Mi, recorded: Request): boolean {
  if (mi.method !== recorded.method) return false;
  if (mi.method === 't_uac_dlg')
    return callIdOf(String(mi.params['headers'])) === callIdOf(recorded.params['headers']);
  return ['callid', 'dialog_id', 'destination'].every((name) => mi.params[name] === recorded.params[name]);
}

function callIdOf(headers = ''): string {
  return header(headers, 'Call-ID');
}

function header(headers: string, name: string): string {
  return new RegExp(`^${name}: *<?([^>\\r\\n]*)`, 'im').exec(headers)?.[1] ?? '';
}

/** The command by which a client asks for it, its params, and the Call-ID of the call that it makes. */
function commandOf(method: string, params: Record<string, string>): [Method, unknown, string] {
  const { callid, dialog_id, leg, transfer_callid, transfer_leg, destination, headers = '' } = params;
  const checked = (ours: Method, theirs: unknown): [Method, unknown, string] => [
    ours,
    methods[ours].parse(theirs),
    callIdOf(headers),
  ];
  switch (method) {
    case 't_uac_dlg':
      return checked('CallStart', { caller: header(headers, 'From'), callee: header(headers, 'To') });
    case 'dlg_end_dlg':
      return checked('CallEnd', { callid: dialog_id });
    case 'call_hold':
      return checked('CallHold', { callid });
    case 'call_unhold':
      return checked('CallUnhold', { callid });
    case 'call_transfer':
      return transfer_callid === undefined
        ? checked('CallBlindTransfer', { callid, leg, destination })
        : checked('CallAttendedTransfer', {
            callidA: callid,
            legA: leg,
            callidB: transfer_callid,
            legB: transfer_leg,
            destination,
          });
    default:
      throw new Error(`no command asks for ${method}`);
  }
}
