/**
 * `Diagnose`: the state of the site for an operator who looks for a fault. OpenSIPS is asked through the link, by MI commands that
 * change nothing. Running diagnoses are kept in memory only: a client without an answer repeats its request.
 * @module
 */

import {
  DIAGNOSTIC_MI_COMMANDS,
  type DiagnosticMiCommand,
  missingCommands,
  missingRecommendedCommands,
  parseSubscriptions,
} from '../../../shared/opensips/diagnostics.ts';
import { UptimeResult } from '../../../shared/opensips/mi.ts';
import type { MiRequest, Reply } from '../../../shared/protocol/link.ts';
import type { DiagnosisResult } from '../../../shared/protocol/rpc/diagnosis.ts';
import {
  type ParsedMessage,
  type RpcId,
  type RpcRequest,
  type RpcResponse,
  successResponse,
} from '../../../shared/protocol/rpc/jsonrpc.ts';
import { DIAGNOSE } from '../../../shared/protocol/rpc/service-methods.ts';
import type { LinkHealth } from '../link/link-health.ts';
import { type Permissions, readRejectReason } from './authorization.ts';
import { notAllowedResponse } from './dispatch.ts';

type DiagnoseRequest = RpcRequest & { readonly method: typeof DIAGNOSE };

/** A client has its answer within two seconds, in milliseconds. The rest is for the way to the client. */
const DEADLINE_MS = 1_800;

/** For each reply, in milliseconds. The adapter reports a missing reply before {@link DEADLINE_MS}, unless the link is lost as well. */
const REPLY_TIMEOUT_MS = 1_500;

/** Why a command has no result if not even the adapter has answered. */
const NO_ANSWER = 'no answer of the adapter';

/** A request without a time to live: the adapter answers at once without running it. So it measures the link alone. */
const PROBE = 'probe';

/** Running diagnoses of a site. Further ones are answered without asking OpenSIPS. */
const MAX_RUNNING = 8;

interface RunningDiagnosis {
  readonly socket: WebSocket;
  readonly id: RpcId;
  startedAt: number;
  /** Requests without a reply, by request id. */
  readonly pending: Map<string, DiagnosticMiCommand | typeof PROBE>;
  readonly results: Map<DiagnosticMiCommand, unknown>;
  /** Why a command has no result. */
  readonly failures: Map<DiagnosticMiCommand, string>;
  roundTripMs: number | undefined;
}

/** A response, and the socket that it is for. */
interface SocketResponse {
  readonly socket: WebSocket;
  readonly response: RpcResponse;
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
  readonly #health: (now: number) => LinkHealth;
  /** Begins request ids, unlike those of any command: the runner ignores the replies. */
  readonly #idPrefix = `diagnosis-${crypto.randomUUID()}`;
  #requestCount = 0;
  #lastEventAt: number | undefined;
  #running: RunningDiagnosis[] = [];
  #requests: MiRequest[] = [];
  #responses: SocketResponse[] = [];

  /** @param health returns the state of the link */
  constructor(health: (now: number) => LinkHealth) {
    this.#health = health;
  }

  /** Begins a diagnosis. {@link takeResponses} returns its response in this turn or a later one. */
  begin({ id = null }: RpcRequest, socket: WebSocket, permissions: Permissions, now: number): void {
    const rejected = rejectReason(permissions);
    if (rejected !== undefined) {
      this.#responses.push({ socket, response: notAllowedResponse(id, rejected) });
      return;
    }
    const diagnosis: RunningDiagnosis = {
      socket,
      id,
      startedAt: now,
      pending: new Map(),
      results: new Map(),
      failures: new Map(),
      roundTripMs: undefined,
    };
    this.#running.push(diagnosis);
    if (this.#health(now).connected && this.#running.length <= MAX_RUNNING) this.#requestAll(diagnosis);
    this.#completeFinished(now);
  }

  /** Handles an adapter's reply. Replies to other requests are ignored. */
  onReply({ id, result, error, outcome }: Omit<Reply, 'type' | 'seq'>, now: number): void {
    const diagnosis = this.#running.find(({ pending }) => pending.has(id));
    const command = diagnosis?.pending.get(id);
    if (!diagnosis || command === undefined) return;
    diagnosis.pending.delete(id);
    if (command === PROBE) diagnosis.roundTripMs = now - diagnosis.startedAt;
    else if (error) diagnosis.failures.set(command, `${error.code} ${error.message}`);
    else if (outcome) diagnosis.failures.set(command, outcome);
    else diagnosis.results.set(command, result);
    this.#completeFinished(now);
  }

  /** When {@link completeOverdue} must be called, in Unix milliseconds; infinity for never. */
  get due(): number {
    return Math.min(...this.#running.map(({ startedAt }) => startedAt + DEADLINE_MS));
  }

  /** Completes the diagnoses that have waited long enough: on a half-open link no reply comes, and nothing says so. */
  completeOverdue(now: number): void {
    for (const { startedAt, pending, failures } of this.#running) {
      if (startedAt + DEADLINE_MS > now) continue;
      for (const command of pending.values()) if (command !== PROBE) failures.set(command, NO_ANSWER);
      pending.clear();
    }
    this.#completeFinished(now);
  }

  /** Records the arrival of an event of OpenSIPS. */
  onEvent(now: number): void {
    this.#lastEventAt = now;
  }

  /** Completes the running diagnoses, since no more replies will come. */
  onLinkDown(now: number): void {
    for (const { pending } of this.#running) pending.clear();
    this.#requests = [];
    this.#completeFinished(now);
  }

  /** Whether there are requests or responses to send. */
  get hasOutput(): boolean {
    return this.#requests.length + this.#responses.length > 0;
  }

  /** Removes and returns the requests to send. */
  takeRequests(): MiRequest[] {
    return this.#requests.splice(0);
  }

  /** Removes and returns the responses to send. */
  takeResponses(): SocketResponse[] {
    return this.#responses.splice(0);
  }

  #requestAll(diagnosis: RunningDiagnosis): void {
    this.#request(diagnosis, PROBE, 'uptime', 0);
    for (const command of DIAGNOSTIC_MI_COMMANDS)
      this.#request(diagnosis, command, command, REPLY_TIMEOUT_MS);
  }

  #request(
    { pending }: RunningDiagnosis,
    command: DiagnosticMiCommand | typeof PROBE,
    method: string,
    ttl_ms: number,
  ): void {
    const id = `${this.#idPrefix}.${this.#requestCount++}`;
    pending.set(id, command);
    this.#requests.push({ type: 'mi', id, method, params: {}, timeout_ms: REPLY_TIMEOUT_MS, ttl_ms });
  }

  /** The clock was set back by `ms` milliseconds. */
  onClockSetBack(ms: number): void {
    for (const diagnosis of this.#running) diagnosis.startedAt -= ms;
    if (this.#lastEventAt !== undefined) this.#lastEventAt -= ms;
  }

  #completeFinished(now: number): void {
    const finished = this.#running.filter(({ pending }) => pending.size === 0);
    this.#running = this.#running.filter(({ pending }) => pending.size > 0);
    for (const diagnosis of finished) {
      const { socket, id } = diagnosis;
      this.#responses.push({ socket, response: successResponse(id, this.#resultOf(diagnosis, now)) });
    }
  }

  #resultOf({ results, failures, roundTripMs }: RunningDiagnosis, now: number): DiagnosisResult {
    const { opensips, ...link } = this.#health(now);
    const uptime = UptimeResult.safeParse(results.get('uptime'));
    const missing = missingCommands(results.get('which'));
    const missingRecommended = missingRecommendedCommands(results.get('which'));
    const subscriptions = parseSubscriptions(results.get('subscribers_list'))?.map(({ event, ttl }) =>
      ttl === undefined ? { event } : { event, ttl },
    );
    return {
      time: now,
      link: {
        ...link,
        ...(roundTripMs === undefined ? {} : { round_trip_ms: roundTripMs }),
      },
      ...(opensips ? { opensips } : {}),
      ...(uptime.success ? { up_since: uptime.data['Up since'] } : {}),
      ...(missing ? { missing } : {}),
      ...(missingRecommended ? { missing_recommended: missingRecommended } : {}),
      ...(subscriptions ? { subscriptions } : {}),
      ...(this.#lastEventAt === undefined ? {} : { last_event_ms: now - this.#lastEventAt }),
      unanswered: Object.fromEntries(failures),
    };
  }
}
