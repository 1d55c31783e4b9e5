/**
 * Sends sockets what they have missed, from the log. A turn reads one page for one socket, and other work goes in between; sockets take
 * turns. What happens meanwhile is held back from the socket, because it is in the log as well.
 *
 * A page is sent when the client has proved that it has read enough of what was sent before, and when the budget of its subject allows
 * it. While any socket waits, there is a timer, so the object does not hibernate. If it is lost, so are its sockets, and clients resume.
 * @module
 */
import { byteLength } from '../../../shared/protocol/byte-length.ts';
import { frameText, type Observable } from '../calls/watchers.ts';
import { isLive, takesBatches } from '../sockets/attachments.ts';
import type { ClientOutput } from '../sockets/client-output.ts';
import { divideIntoFrames, frameOf } from '../sockets/frames.ts';
import { isKnownTo } from '../sockets/sessions.ts';
import { MAX_PAGE_BYTES } from '../store/stored-page.ts';
import type { ReplayReader } from './replay-reader.ts';

/** Bytes of a frame: a client with a small limit then receives several. */
const MAX_FRAME_BYTES = 32_768;

/** How often a client that reads slowly is looked at, in milliseconds, unless it returns a token before. */
const SLOW_READER_INTERVAL_MS = 250;

/**
 * A byte that is read from the log is charged as this part of one that is sent. Most of what is read for a session is not sent: a row has
 * whole commands, some of others, and a command is in a row for each of its changes. An eighth is what remains of it.
 */
const READ_COST = 0.125;

/** Charges a subject for bytes. */
export interface ReplayCharges {
  /** Returns for how long nothing may be read, in seconds, or charges the bytes. With 0 it only asks. */
  replay(subject: string, bytes: number, now: number): { readonly retryAfter: number } | undefined;
}

export interface Replay {
  readonly socket: WebSocket;
  readonly subject: string;
  readonly reader: ReplayReader;
  /** Whether notifications share a frame, if the client takes that. */
  readonly inBatches: boolean;
  /** Everything in the log has been sent. What happens from now on must be sent to the socket again. */
  readonly onCaughtUp: (now: number) => void;
}

interface Job extends Replay {
  /** Frames that have been read, and wait for their reader. */
  readonly frames: string[];
  /** It does nothing before, in Unix milliseconds. */
  waitUntil: number;
  hasBegun: boolean;
}

export interface ReplayDependencies {
  readonly output: ClientOutput;
  readonly charges: ReplayCharges;
  /** Writes everything that is pending, so that the log contains it. */
  readonly flush: (now: number) => void;
}

export class Replays {
  readonly #deps: ReplayDependencies;
  /** The one whose turn is next comes first. */
  #jobs: Job[] = [];
  #timer: { readonly at: number; readonly id: ReturnType<typeof setTimeout> } | undefined;

  constructor(dependencies: ReplayDependencies) {
    this.#deps = dependencies;
  }

  /** Begins a replay. Its first page is sent in a later turn. */
  begin(replay: Replay, now: number): void {
    this.#jobs.push({ ...replay, frames: [], waitUntil: 0, hasBegun: false });
    this.#schedule(now);
  }

  /** Whether a replay with this reader goes on. */
  isRunning(reader: ReplayReader): boolean {
    return this.#jobs.some((job) => job.reader === reader);
  }

  /** A client has read more. */
  onAcknowledged(socket: WebSocket, now: number): void {
    for (const job of this.#jobs) if (job.socket === socket && job.frames.length > 0) job.waitUntil = 0;
    this.#schedule(now);
  }

  onDisconnected(socket: WebSocket): void {
    this.#jobs = this.#jobs.filter((job) => job.socket !== socket);
  }

  /** Stops for good. */
  stop(): void {
    this.#jobs = [];
    if (this.#timer) clearTimeout(this.#timer.id);
    this.#timer = undefined;
  }

  #schedule(now: number): void {
    if (this.#jobs.length === 0) return;
    const at = Math.max(now, Math.min(...this.#jobs.map(({ waitUntil }) => waitUntil)));
    if (this.#timer && this.#timer.at <= at) return;
    if (this.#timer) clearTimeout(this.#timer.id);
    const onDue = () => {
      this.#timer = undefined;
      const time = Date.now();
      this.#takeTurn(time);
      this.#schedule(time);
    };
    this.#timer = { at, id: setTimeout(onDue, at - now) };
  }

  #takeTurn(now: number): void {
    const index = this.#jobs.findIndex(({ waitUntil }) => waitUntil <= now);
    const [job] = index < 0 ? [] : this.#jobs.splice(index, 1);
    if (job && isLive(job.socket) && this.#continue(job, now)) this.#jobs.push(job);
  }

  /** Sends what may be sent now. Returns whether the replay goes on. */
  #continue(job: Job, now: number): boolean {
    const { output, charges, flush } = this.#deps;
    // The response to the request that has begun it is sent first.
    if (!job.hasBegun) flush(now);
    job.hasBegun = true;
    if (!this.#sendFrames(job, now)) {
      if (output.hasStoppedReading(job.socket, now)) output.closeUnread(job.socket);
      return isLive(job.socket);
    }
    const exceeded = charges.replay(job.subject, 0, now);
    if (exceeded) {
      job.waitUntil = now + exceeded.retryAfter * 1_000;
      return true;
    }
    return this.#readPage(job, now);
  }

  #readPage(job: Job, now: number): boolean {
    const first = job.reader.read(MAX_PAGE_BYTES);
    // What is pending now would be sent to the socket later, although it has a lower number than what comes then.
    if (first?.isLast) this.#deps.flush(now);
    const rest = first?.isLast ? job.reader.read(Math.max(0, MAX_PAGE_BYTES - first.bytes)) : first;
    if (!first || !rest) {
      // When it resumes, it learns that something is missing.
      this.#deps.output.closeUnread(job.socket);
      return false;
    }
    const items = rest === first ? first.items : [...first.items, ...rest.items];
    job.frames.push(...framesOf(items, job));
    const sent = job.frames.reduce((sum, frame) => sum + byteLength(frame), 0);
    const read = first.bytes + (rest === first ? 0 : rest.bytes);
    this.#deps.charges.replay(job.subject, Math.ceil(sent + READ_COST * read), now);
    const isSent = this.#sendFrames(job, now);
    if (!rest.isLast || !isSent) return isLive(job.socket);
    job.onCaughtUp(now);
    return false;
  }

  /** Sends frames as far as the client has shown that it reads. Returns whether all are sent. */
  #sendFrames(job: Job, now: number): boolean {
    const { output } = this.#deps;
    for (let [frame] = job.frames; frame !== undefined; [frame] = job.frames) {
      if (!output.hasRoomFor(job.socket, byteLength(frame), now)) {
        job.waitUntil = now + SLOW_READER_INTERVAL_MS;
        return false;
      }
      output.send(job.socket, frame, now);
      job.frames.shift();
    }
    return true;
  }
}

function framesOf(items: readonly Observable[], { socket, inBatches }: Replay): string[] {
  const known = items
    .filter((item) => !('notification' in item) || isKnownTo(socket, item))
    .map((item) => ({ text: frameText(item) }));
  const frames =
    inBatches && takesBatches(socket)
      ? divideIntoFrames(known, MAX_FRAME_BYTES)
      : known.map((item) => [item]);
  return frames.map(frameOf);
}
