/**
 * `Diagnose`: the state of the site for an operator who looks for a fault. The OpenSIPS of each adapter that serves the site is asked
 * through the link, by MI commands that change nothing. Running diagnoses are kept in memory only: a client without an answer repeats
 * its request.
 * @module
 */

import type { Reply } from '../../../shared/protocol/link.ts';
import type { AdapterDiagnosisResult, DiagnosisResult } from '../../../shared/protocol/rpc/diagnosis.ts';
import {
  type ParsedMessage,
  type RpcId,
  type RpcRequest,
  type RpcResponse,
  successResponse,
} from '../../../shared/protocol/rpc/jsonrpc.ts';
import { DIAGNOSE } from '../../../shared/protocol/rpc/service-methods.ts';
import type { AdapterConnection } from '../link/adapter-connection.ts';
import type { LinkHealth } from '../link/link-health.ts';
import { AdapterDiagnosis, type DiagnosisRequest } from './adapter-diagnosis.ts';
import { type Permissions, readRejectReason } from './authorization.ts';
import { notAllowedResponse } from './dispatch.ts';

type DiagnoseRequest = RpcRequest & { readonly method: typeof DIAGNOSE };

/** A client has its answer within two seconds, in milliseconds. The rest is for the way to the client. */
const DEADLINE_MS = 1_800;

/** Running diagnoses of a site. Further ones are answered without asking OpenSIPS. */
const MAX_RUNNING = 8;

interface RunningDiagnosis {
  readonly socket: WebSocket;
  readonly id: RpcId;
  startedAt: number;
  readonly asked: readonly AdapterDiagnosis[];
}

/** A response, and the socket that it is for. */
interface SocketResponse {
  readonly socket: WebSocket;
  readonly response: RpcResponse;
}

/** What a diagnosis knows of the site. */
interface DiagnosedSite {
  /** Returns the state of the link. */
  readonly health: (now: number) => LinkHealth;
  /** Returns the adapters that serve the site. */
  readonly serving: () => readonly Pick<AdapterConnection, 'name' | 'position' | 'opensips'>[];
}

export function isDiagnose(entry: ParsedMessage['entries'][number]): entry is DiagnoseRequest {
  return 'method' in entry && entry.method === DIAGNOSE;
}

/** A diagnosis is about the whole site, of which a client that is bound to an address sees its own calls only. */
function rejectReason(permissions: Permissions): string | undefined {
  if (permissions.caller !== undefined)
    return 'Diagnose reports on the whole site, but this token is bound to a caller. Use an API key, or a token without a caller.';
  return readRejectReason(permissions);
}

export class Diagnosis {
  readonly #site: DiagnosedSite;
  /** Begins request ids, unlike those of any command: the runner ignores the replies. */
  readonly #idPrefix = `diagnosis-${crypto.randomUUID()}`;
  #requestCount = 0;
  #lastEventAt: number | undefined;
  #running: RunningDiagnosis[] = [];
  #requests: DiagnosisRequest[] = [];
  #responses: SocketResponse[] = [];

  constructor(site: DiagnosedSite) {
    this.#site = site;
  }

  /** Begins a diagnosis. {@link takeResponses} returns its response in this turn or a later one. */
  begin({ id = null }: RpcRequest, socket: WebSocket, permissions: Permissions, now: number): void {
    const rejected = rejectReason(permissions);
    if (rejected !== undefined) {
      this.#responses.push({ socket, response: notAllowedResponse(id, rejected) });
      return;
    }
    const isAsked = this.#site.health(now).connected && this.#running.length < MAX_RUNNING;
    const nextId = () => `${this.#idPrefix}.${this.#requestCount++}`;
    const asked = (isAsked ? this.#site.serving() : []).map(
      ({ name, position }) => new AdapterDiagnosis(name, position.stream, nextId),
    );
    this.#requests.push(...asked.flatMap(({ requests }) => requests));
    this.#running.push({ socket, id, startedAt: now, asked });
    this.#completeFinished(now);
  }

  /** Handles an adapter's reply. Replies to other requests are ignored. */
  onReply(reply: Omit<Reply, 'type' | 'seq'>, now: number): void {
    for (const { asked, startedAt } of this.#running)
      for (const each of asked) each.onReply(reply, now - startedAt);
    this.#completeFinished(now);
  }

  /** When {@link completeOverdue} must be called, in Unix milliseconds; infinity for never. */
  get due(): number {
    return Math.min(...this.#running.map(({ startedAt }) => startedAt + DEADLINE_MS));
  }

  /** Completes the diagnoses that have waited long enough: on a half-open link no reply comes, and nothing says so. */
  completeOverdue(now: number): void {
    for (const { startedAt, asked } of this.#running)
      if (startedAt + DEADLINE_MS <= now) for (const each of asked) each.giveUp();
    this.#completeFinished(now);
  }

  /** Records the arrival of an event of OpenSIPS. */
  onEvent(now: number): void {
    this.#lastEventAt = now;
  }

  /** An adapter is not connected any more, or again, so its replies do not come. @param adapter undefined for all */
  onLinkDown(now: number, adapter?: string): void {
    const isMeant = (each: AdapterDiagnosis) => adapter === undefined || each.adapter === adapter;
    const meant = this.#running.flatMap(({ asked }) => asked).filter(isMeant);
    for (const each of meant) each.giveUp();
    this.#requests = this.#requests.filter(({ stream }) => !meant.some((each) => each.stream === stream));
    this.#completeFinished(now);
  }

  /** Whether there are requests or responses to send. */
  get hasOutput(): boolean {
    return this.#requests.length + this.#responses.length > 0;
  }

  /** Removes and returns the requests to send. */
  takeRequests(): DiagnosisRequest[] {
    return this.#requests.splice(0);
  }

  /** Removes and returns the responses to send. */
  takeResponses(): SocketResponse[] {
    return this.#responses.splice(0);
  }

  /** The clock was set back by `ms` milliseconds. */
  onClockSetBack(ms: number): void {
    for (const diagnosis of this.#running) diagnosis.startedAt -= ms;
    if (this.#lastEventAt !== undefined) this.#lastEventAt -= ms;
  }

  #completeFinished(now: number): void {
    const isFinished = ({ asked }: RunningDiagnosis) => asked.every(({ isComplete }) => isComplete);
    const finished = this.#running.filter(isFinished);
    this.#running = this.#running.filter((diagnosis) => !isFinished(diagnosis));
    for (const { socket, id, asked } of finished)
      this.#responses.push({ socket, response: successResponse(id, this.#resultOf(asked, now)) });
  }

  /** The members of one adapter are those of the one that has served the site longest. */
  #resultOf(asked: readonly AdapterDiagnosis[], now: number): DiagnosisResult {
    const { opensips, ...link } = this.#site.health(now);
    const first = asked.find(({ adapter }) => adapter === link.adapter);
    const others = asked.filter((each) => each !== first && link.connected).map((each) => this.#other(each));
    const { unanswered = {}, ...answered } = first?.result ?? {};
    return {
      time: now,
      link: { ...link, ...roundTrip(first) },
      ...(opensips ? { opensips } : {}),
      ...answered,
      ...(this.#lastEventAt === undefined ? {} : { last_event_ms: now - this.#lastEventAt }),
      unanswered,
      ...(others.length > 0 ? { others } : {}),
    };
  }

  #other(asked: AdapterDiagnosis): AdapterDiagnosisResult {
    const { adapter, result } = asked;
    const opensips = this.#site.serving().find(({ name }) => name === adapter)?.opensips;
    return { adapter, ...roundTrip(asked), ...(opensips ? { opensips } : {}), ...result };
  }
}

function roundTrip(asked: AdapterDiagnosis | undefined): { readonly round_trip_ms?: number } {
  return asked?.roundTripMs === undefined ? {} : { round_trip_ms: asked.roundTripMs };
}
