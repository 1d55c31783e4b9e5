/** The MI requests of running commands, from the request to the reply or the certainty that none will come. @module */
import type { Action, Execution, Input } from '../commands/command.ts';
import { isInDialogMethod } from '../opensips/in-dialog.ts';
import type { InDialogMessage, MiRequest, Reply, ReplyOutcome } from '../protocol/link.ts';

import type { RunningCommands } from './running-commands.ts';
import type { Command, PendingRequest } from './stored-command.ts';
import { mustNotBeLate, sendByOf, wireTimes } from './time-to-send.ts';

/** A reply may take this long on the link after the adapter's own deadline, in milliseconds. */
const LINK_GRACE_MS = 1_000;

/**
 * How long a reply is awaited from an adapter that another one has replaced, in milliseconds. One whose socket was lost is back within
 * a second, usually: the edge was updated, or a proxy restarted.
 */
const TAKEOVER_REPLY_MS = 3_000;

/** A request to the adapter. */
export type AdapterRequest = MiRequest | InDialogMessage;

/** A request, and the process of the adapter that it is for. */
export type OutgoingRequest = AdapterRequest & { readonly stream: string };

/** A request that has not left yet. */
interface Waiting {
  readonly request: OutgoingRequest;
  readonly command: Command;
  readonly pending: PendingRequest;
  /** It was not sent before. */
  readonly isFirst: boolean;
}

/** In place of a name, for an adapter that serves the whole site. */
const WHOLE_SITE = undefined;

/** Tracks what the running commands have requested, and which process of an adapter each request was sent to. */
export class MiRequests {
  readonly #epoch: string;
  readonly #commands: RunningCommands;
  readonly #enqueue: (command: Command, input: Input) => void;
  /** The connected processes, by the name of the adapter, or {@link WHOLE_SITE}. */
  readonly #streams = new Map<string | undefined, string>();
  /** Pending requests except those that wait for somebody to pick up the phone. */
  #pendingCount = 0;
  #outgoing: Waiting[] = [];

  /**
   * @param epoch random for each storage, so that request ids are never used twice
   * @param commands the commands whose requests these are
   * @param enqueue receives the inputs that result from replies
   */
  constructor(epoch: string, commands: RunningCommands, enqueue: (command: Command, input: Input) => void) {
    this.#epoch = epoch;
    this.#commands = commands;
    this.#enqueue = enqueue;
  }

  /** The number of pending requests that are answered soon: a measure of load that ringing phones do not raise. */
  get pendingCount(): number {
    return this.#pendingCount;
  }

  get hasOutgoing(): boolean {
    return this.#outgoing.length > 0;
  }

  /** Removes and returns the requests to send, in order. */
  takeOutgoing(): readonly OutgoingRequest[] {
    const outgoing = this.#outgoing;
    this.#outgoing = [];
    return outgoing.map(({ request }) => request);
  }

  /** Counts the pending requests of a command that was read from the log. */
  restore({ pendingRequests }: Command): void {
    this.#pendingCount += Object.values(pendingRequests).filter(isAnsweredSoon).length;
  }

  /** Makes a request, which replaces a pending one of the same name. Returns when it expires, in Unix milliseconds. */
  request(command: Command, action: Extract<Action, { type: 'mi-request' }>, now: number): number {
    this.#complete(command, action.name);
    const times = { command: action.command, deadline: now + action.timeoutMs };
    const sendBy = sendByOf(times, now);
    const pending: PendingRequest = {
      number: command.requestCount++,
      ...times,
      ...(sendBy === undefined ? {} : { sendBy }),
    };
    command.pendingRequests[action.name] = pending;
    if (isAnsweredSoon(pending)) this.#pendingCount += 1;
    const stream = this.#streamOf(command);
    if (stream !== undefined) this.#send(command, pending, stream, now);
    return expiresAt(pending);
  }

  /** Handles an adapter's reply. A reply to a request that is no longer pending is ignored. */
  onReply({ id, error, outcome, result }: Omit<Reply, 'type' | 'seq'>): void {
    // A knock has its hello and the reply in one turn. Once the reply is acknowledged, the adapter no longer knows that the request has run.
    if (this.#outgoing.length > 0) this.#outgoing = this.#outgoing.filter(({ request }) => request.id !== id);
    const [epoch, commandId, number] = id.split('.');
    const command = this.#commands.get(Number(commandId));
    if (!command || epoch !== this.#epoch) return;
    const name = Object.keys(command.pendingRequests).find(
      (each) => command.pendingRequests[each]?.number === Number(number),
    );
    if (name === undefined) return;
    this.#complete(command, name);
    if (error) this.#enqueue(command, { type: 'mi-error', request: name, error });
    else if (outcome) this.#enqueue(command, { type: 'mi-no-reply', request: name, ...OUTCOMES[outcome] });
    else this.#enqueue(command, { type: 'mi-result', request: name, result });
  }

  /** Gives up a request, unless it was answered or replaced meanwhile: `number` tells which one is meant. */
  expire(command: Command, name: string, number: number, reason = 'no reply arrived in time'): void {
    const pending = command.pendingRequests[name];
    if (pending?.number !== number) return;
    this.#complete(command, name);
    const isSent = pending.stream !== undefined;
    this.#enqueue(command, {
      type: 'mi-no-reply',
      request: name,
      execution: isSent ? 'unknown' : 'not-run',
      reason: isSent ? reason : 'no adapter was connected',
    });
  }

  /**
   * Withdraws what a command that has failed or ended no longer wants: an INVITE, a REFER or a re-INVITE. What was never sent is never
   * sent. What was sent keeps waiting for its reply, which tells what there is to clean up; if it is repeated, it has no time to live.
   */
  withdraw(command: Command, now: number): void {
    for (const [name, pending] of Object.entries(command.pendingRequests)) {
      if (!mustNotBeLate(pending)) continue;
      pending.sendBy = Math.min(pending.sendBy ?? now, now);
      if (pending.stream === undefined) this.expire(command, name, pending.number);
    }
  }

  /** Drops the requests of a finished command. */
  dropAll(command: Command): void {
    for (const name of Object.keys(command.pendingRequests)) this.#complete(command, name);
  }

  /** Drops the requests of a command that could not be started, also those that have not left yet. */
  discard(command: Command): void {
    this.dropAll(command);
    this.#outgoing = this.#outgoing.filter((each) => each.command !== command);
  }

  /**
   * Handles a new connection of the adapter. Requests that this process of the adapter has not answered are sent,
   * some of them again: without a time to live if they are late or withdrawn, so that the adapter answers `expired`, unless it has them. Those that another process had received may have run or not, and are never sent again. Returns the
   * commands whose requests are sent for the first time: they have changed.
   */
  onLinkUp(stream: string, now: number, adapter: string | undefined = WHOLE_SITE): readonly Command[] {
    this.#streams.set(adapter, stream);
    for (const command of this.#commands) {
      if (this.#streamOf(command) !== stream) continue;
      for (const [name, pending] of Object.entries(command.pendingRequests))
        if (pending.stream !== undefined && pending.stream !== stream)
          this.expire(command, name, pending.number, 'the adapter was restarted');
    }
    return this.#sendTo(stream, now);
  }

  /**
   * Another adapter has taken over. Requests that were sent are not sent to it, because they may have run; the adapter that they were
   * sent to may come back within {@link TAKEOVER_REPLY_MS} and reply. Returns the commands whose requests have changed.
   */
  onTakeover(stream: string, now: number): readonly Command[] {
    this.#streams.set(WHOLE_SITE, stream);
    const shortened = [...this.#commands].filter((command) => shortenOthers(command, stream, now));
    return [...shortened, ...this.#sendTo(stream, now)];
  }

  /**
   * Another adapter runs the command from now on. What was sent to the one before is awaited as after a takeover.
   */
  onMoved(command: Command, now: number): void {
    const stream = this.#streamOf(command);
    shortenOthers(command, stream, now);
    if (stream !== undefined) this.#sendPending(command, stream, now);
  }

  /** The link to this process of the adapter is still up after a hibernation. */
  onLinkRestored(stream: string, adapter: string | undefined = WHOLE_SITE): void {
    this.#streams.set(adapter, stream);
  }

  /**
   * New requests wait until the link is back or their deadline has passed. Requests that have not left yet are as new ones. Returns the
   * commands of which there are such.
   */
  onLinkDown(adapter: string | undefined = WHOLE_SITE): readonly Command[] {
    const stream = this.#streams.get(adapter);
    this.#streams.delete(adapter);
    const unsent = this.#outgoing.filter(({ request }) => request.stream === stream);
    this.#outgoing = this.#outgoing.filter(({ request }) => request.stream !== stream);
    const first = unsent.filter(({ isFirst }) => isFirst);
    for (const { pending } of first) delete pending.stream;
    return first.map(({ command }) => command);
  }

  /** Returns the connected process of the adapter that runs the command. */
  #streamOf({ adapter }: Command): string | undefined {
    return this.#streams.get(WHOLE_SITE) ?? this.#streams.get(adapter);
  }

  /** Sends what this process of an adapter is to run. Returns the commands whose requests are sent for the first time. */
  #sendTo(stream: string, now: number): readonly Command[] {
    return [...this.#commands].filter(
      (command) => this.#streamOf(command) === stream && this.#sendPending(command, stream, now),
    );
  }

  /** Sends a command's requests that no other process has. Returns whether any is sent for the first time. */
  #sendPending(command: Command, stream: string, now: number): boolean {
    let isChanged = false;
    for (const pending of Object.values(command.pendingRequests)) {
      const isOfOther = pending.stream !== undefined && pending.stream !== stream;
      if (isOfOther || !isStillWanted(pending, now)) continue;
      if (pending.stream === undefined) isChanged = true;
      this.#send(command, pending, stream, now);
    }
    return isChanged;
  }

  #send(command: Command, pending: PendingRequest, stream: string, now: number): void {
    const { number, command: sent } = pending;
    const { method, params } = sent;
    const isFirst = pending.stream === undefined;
    pending.stream = stream;
    const rest = { id: requestId(this.#epoch, command, number), params, ...wireTimes(pending, now), stream };
    const request: OutgoingRequest = isInDialogMethod(method)
      ? { type: 'in-dialog', method, ...rest }
      : { type: 'mi', method, ...rest };
    this.#outgoing.push({ request, command, pending, isFirst });
  }

  #complete(command: Command, name: string): void {
    const pending = command.pendingRequests[name];
    if (pending && isAnsweredSoon(pending)) this.#pendingCount -= 1;
    delete command.pendingRequests[name];
  }
}

/** Returns the requests of a command that were sent, and have no reply so far. */
export function sentRequests(
  epoch: string,
  command: Command,
): Pick<AdapterRequest, 'id' | 'method' | 'params'>[] {
  return Object.values(command.pendingRequests).flatMap(({ number, command: { method, params }, stream }) =>
    stream === undefined ? [] : [{ id: requestId(epoch, command, number), method, params } as const],
  );
}

/** Shortens the wait for replies of other processes to {@link TAKEOVER_REPLY_MS}. Returns whether there are any. */
function shortenOthers(command: Command, stream: string | undefined, now: number): boolean {
  const others = Object.values(command.pendingRequests).filter(
    (pending) => pending.stream !== undefined && pending.stream !== stream,
  );
  for (const pending of others) pending.deadline = Math.min(pending.deadline, now + TAKEOVER_REPLY_MS);
  return others.length > 0;
}

function requestId(epoch: string, { id }: Command, number: number): string {
  return `${epoch}.${id}.${number}`;
}

/** Returns when a request is given up, in Unix milliseconds. */
export function expiresAt({ deadline, sendBy = deadline, stream }: PendingRequest): number {
  return (stream === undefined ? sendBy : deadline) + LINK_GRACE_MS;
}

/** Returns whether a new connection gets the request. What was sent before is sent again as long as its reply is awaited. */
function isStillWanted({ deadline, sendBy = deadline, stream }: PendingRequest, now: number): boolean {
  return (stream === undefined ? sendBy : deadline) > now;
}

const OUTCOMES: Record<ReplyOutcome, { readonly execution: Execution; readonly reason: string }> = {
  timeout: { execution: 'unknown', reason: 'no reply arrived in time' },
  expired: { execution: 'not-run', reason: 'it reached the adapter too late' },
  refused: { execution: 'not-run', reason: 'the adapter does not allow it' },
  unreachable: { execution: 'not-run', reason: 'nothing listens at the MI address' },
};

/** A phone answers a request within a dialog within milliseconds, unless it has vanished; an INVITE, when somebody picks it up. */
function isAnsweredSoon({ command }: PendingRequest): boolean {
  return command.method !== 't_uac_dlg';
}
