/** The commands of this page, and their progress step by step, derived from their events. Pure. @module */
import {
  type CommandUpdate,
  isJsonObject,
  type JsonObject,
  type RpcError,
} from '../../../connection/messages.ts';
import { displayName } from '../format/sip-address.ts';
import { explainSipStatus } from '../format/sip-status.ts';

export type CommandName =
  | 'CallStart'
  | 'CallEnd'
  | 'CallHold'
  | 'CallUnhold'
  | 'CallBlindTransfer'
  | 'CallAttendedTransfer';

/** A command that this page runs. */
export interface CommandRun {
  readonly cmdId: string;
  readonly method: CommandName;
  readonly params: JsonObject;
  /** Its events, with the time of their arrival in Unix milliseconds. */
  readonly updates: readonly (CommandUpdate & { readonly at: number })[];
}

export interface Step {
  readonly text: string;
  readonly status: 'done' | 'current' | 'pending' | 'failed';
  /** When it was done, in Unix milliseconds. Absent if only a later step shows that it was. */
  readonly at?: number;
}

export function withUpdate(run: CommandRun, update: CommandUpdate, at: number): CommandRun {
  return { ...run, updates: [...run.updates, { ...update, at }] };
}

export function hasEnded({ updates }: CommandRun): boolean {
  const last = updates.at(-1)?.event;
  return last === 'Ended' || last === 'Refused' || last === 'Lost';
}

/** Returns a sentence that says why the command failed; undefined if it has not. */
export function failureText({ updates }: CommandRun): string | undefined {
  const failed = updates.find(({ event }) => ['Error', 'Refused', 'Lost'].includes(event));
  if (!failed) return undefined;
  const { data, error } = failed;
  return explainSipStatus(error) ?? (data === undefined ? reasonText(error) : sentence(data));
}

/** Returns a sentence that says why the edge refused a request. */
export function reasonText(error: RpcError | undefined): string {
  const reason = isJsonObject(error?.data) ? error.data['reason'] : error?.data;
  return sentence(reason ?? error?.message);
}

/**
 * Whether one of these commands is running with these params. A button that would run it again stays disabled until then.
 * @param params the params that have to be equal
 */
export function isRunning(
  runs: readonly CommandRun[],
  methods: readonly CommandName[],
  params: JsonObject,
): boolean {
  return runs.some(
    (run) =>
      methods.includes(run.method) &&
      !hasEnded(run) &&
      Object.entries(params).every(([name, value]) => run.params[name] === value),
  );
}

/** Returns the Call-ID of the call that the command has made. */
export function resultCallid({ updates }: CommandRun): string | undefined {
  for (const { data } of updates) {
    if (isJsonObject(data) && typeof data['callid'] === 'string') return data['callid'];
  }
  return undefined;
}

/** Returns all steps of the command, including the pending ones. */
export function stepsOf(run: CommandRun): Step[] {
  const plan = plannedSteps(run.method, run.params);
  const times = plan.map(({ events }) => run.updates.find(({ event }) => events.includes(event))?.at);
  const lastDone = times.findLastIndex((time) => time !== undefined);
  const hasFailed = failureText(run) !== undefined;
  const hasSucceeded = hasEnded(run) && !hasFailed;
  return plan.map(({ text }, index) => {
    const time = times[index];
    if (index <= lastDone || hasSucceeded)
      return { text, status: 'done', ...(time === undefined ? {} : { at: time }) };
    if (index > lastDone + 1) return { text, status: 'pending' };
    return { text, status: hasFailed ? 'failed' : 'current' };
  });
}

interface PlannedStep {
  readonly text: string;
  /** Any of these events means that the step is done. */
  readonly events: readonly string[];
}

function plannedSteps(method: CommandName, params: JsonObject): PlannedStep[] {
  const caller = displayName(String(params['caller'] ?? ''));
  const callee = displayName(String(params['callee'] ?? ''));
  const requested = { text: 'Requested', events: ['Started'] };
  switch (method) {
    case 'CallStart':
      return [
        requested,
        { text: `${caller}’s phone rings`, events: ['CallerRinging'] },
        { text: `${caller} answers`, events: ['CallerAnswered'] },
        { text: `${caller}’s phone calls ${callee}`, events: ['TransferStart'] },
        { text: `${callee} answers`, events: ['CalleeAnswered'] },
      ];
    case 'CallHold':
      return [
        { text: 'Requested', events: ['CallHoldStart', 'CallHoldSuccessful'] },
        { text: 'On hold', events: ['CallHoldSuccessful'] },
      ];
    case 'CallUnhold':
      return [
        { text: 'Requested', events: ['CallUnholdStart', 'CallUnholdSuccessful'] },
        { text: 'Resumed', events: ['CallUnholdSuccessful'] },
      ];
    case 'CallBlindTransfer':
    case 'CallAttendedTransfer':
      return [
        requested,
        { text: 'The phone accepts the transfer', events: ['TransferStart'] },
        {
          text: method === 'CallBlindTransfer' ? 'The destination answers' : 'The parties are connected',
          events: ['TransferSuccessful'],
        },
      ];
    case 'CallEnd':
      return [requested, { text: 'Call ended', events: [] }];
  }
}

export const COMMAND_TITLES: Readonly<Record<CommandName, string>> = {
  CallStart: 'Call',
  CallEnd: 'End',
  CallHold: 'Hold',
  CallUnhold: 'Resume',
  CallBlindTransfer: 'Blind transfer',
  CallAttendedTransfer: 'Attended transfer',
};

function sentence(data: unknown): string {
  const text =
    typeof data === 'string' && data !== '' ? data : 'The request failed for an unknown reason. Try again';
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?…]$/.test(text) ? '' : '.'}`;
}
