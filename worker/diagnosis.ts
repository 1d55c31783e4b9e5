/**
 * `Diagnose`: how the site stands, for an operator who looks for what is wrong. OpenSIPS is asked through the link, by
 * commands that change nothing. What is asked and not answered is in memory only: whoever asks, asks again.
 * @module
 */
import {
  DIAGNOSTIC_MI,
  type DiagnosisResult,
  type DiagnosticMi,
  missingFrom,
  subscriptionsIn,
} from '../shared/diagnosis.ts';
import { type Parsed, type RpcId, type RpcRequest, type RpcResponse, success } from '../shared/jsonrpc.ts';
import type { Mi, Reply } from '../shared/link.ts';
import { DIAGNOSE } from '../shared/methods.ts';
import { UptimeResult } from '../shared/mi.ts';
import { type Rights, unreadable } from './authorisation.ts';
import { notAllowed } from './dispatch.ts';
import type { LinkHealth } from './link.ts';

type DiagnoseRequest = RpcRequest & { readonly method: typeof DIAGNOSE };

/** For each answer, in milliseconds. The adapter says so where none has come, so nobody here needs a timer. */
const PATIENCE_MS = 2_000;

/** Asked with no time to live: the adapter answers at once that it has not run it. So it measures the link alone. */
const PROBE = 'probe';

/** So many may be under way at a site; whoever comes then is told what is known without asking. */
const AT_ONCE = 8;

interface Patient {
  readonly socket: WebSocket;
  readonly id: RpcId;
  readonly asked: number;
  /** By the id of the request that is not answered yet. */
  readonly pending: Map<string, DiagnosticMi | typeof PROBE>;
  readonly results: Map<DiagnosticMi, unknown>;
  readonly unanswered: Map<DiagnosticMi, string>;
  roundTrip: number | undefined;
}

/** An answer, and whose it is. */
interface Diagnosed {
  readonly socket: WebSocket;
  readonly response: RpcResponse;
}

/** Is it asked for? */
export function isDiagnose(entry: Parsed['entries'][number]): entry is DiagnoseRequest {
  return 'method' in entry && entry.method === DIAGNOSE;
}

/** Who may not ask: it is about the whole site, and one who is bound to an address knows its own calls only. */
function refusalOf(rights: Rights): string | undefined {
  if (rights.caller !== undefined)
    return 'Diagnose is about the whole site: use a key or a token that is not bound to a caller';
  return unreadable(rights);
}

export class Diagnosis {
  readonly #health: (now: number) => LinkHealth;
  /** Unlike any command's: the runner passes over what comes for it. */
  readonly #name = `diagnosis-${crypto.randomUUID()}`;
  #count = 0;
  #lastEvent: number | undefined;
  #patients: Patient[] = [];
  #requests: Mi[] = [];
  #answers: Diagnosed[] = [];

  constructor(health: (now: number) => LinkHealth) {
    this.#health = health;
  }

  /** Begins one. Its answer comes with {@link takeAnswers}, in this turn or a later one. */
  begin({ id = null }: RpcRequest, socket: WebSocket, rights: Rights, now: number): void {
    const refused = refusalOf(rights);
    if (refused !== undefined) {
      this.#answers.push({ socket, response: notAllowed(id, refused) });
      return;
    }
    const patient: Patient = {
      socket,
      id,
      asked: now,
      pending: new Map(),
      results: new Map(),
      unanswered: new Map(),
      roundTrip: undefined,
    };
    this.#patients.push(patient);
    if (this.#health(now).connected && this.#patients.length <= AT_ONCE) this.#ask(patient);
    this.#discharge(now);
  }

  /** An adapter's answer; one to somebody else's request is passed over. */
  reply({ id, result, error, outcome }: Omit<Reply, 'type' | 'seq'>, now: number): void {
    const patient = this.#patients.find(({ pending }) => pending.has(id));
    const method = patient?.pending.get(id);
    if (!patient || method === undefined) return;
    patient.pending.delete(id);
    if (method === PROBE) patient.roundTrip = now - patient.asked;
    else if (error) patient.unanswered.set(method, `${error.code} ${error.message}`);
    else if (outcome) patient.unanswered.set(method, outcome);
    else patient.results.set(method, result);
    this.#discharge(now);
  }

  /** An event of OpenSIPS has come. */
  heard(now: number): void {
    this.#lastEvent = now;
  }

  /** No more answers will come. */
  linkDown(now: number): void {
    for (const { pending } of this.#patients) pending.clear();
    this.#requests = [];
    this.#discharge(now);
  }

  /** There is something to ask or to answer. */
  get speaks(): boolean {
    return this.#requests.length + this.#answers.length > 0;
  }

  /** What is to be asked now. */
  take(): Mi[] {
    return this.#requests.splice(0);
  }

  /** What is to be answered now. */
  takeAnswers(): Diagnosed[] {
    return this.#answers.splice(0);
  }

  #ask(patient: Patient): void {
    this.#request(patient, PROBE, 'uptime', 0);
    for (const method of DIAGNOSTIC_MI) this.#request(patient, method, method, PATIENCE_MS);
  }

  #request({ pending }: Patient, as: DiagnosticMi | typeof PROBE, method: string, ttl_ms: number): void {
    const id = `${this.#name}.${this.#count++}`;
    pending.set(id, as);
    this.#requests.push({ type: 'mi', id, method, params: {}, timeout_ms: PATIENCE_MS, ttl_ms });
  }

  #discharge(now: number): void {
    const done = this.#patients.filter(({ pending }) => pending.size === 0);
    this.#patients = this.#patients.filter(({ pending }) => pending.size > 0);
    for (const patient of done) {
      const { socket, id } = patient;
      this.#answers.push({ socket, response: success(id, this.#resultOf(patient, now)) });
    }
  }

  #resultOf({ results, unanswered, roundTrip }: Patient, now: number): DiagnosisResult {
    const { connected, adapter, seconds, opensips } = this.#health(now);
    const uptime = UptimeResult.safeParse(results.get('uptime'));
    const missing = missingFrom(results.get('which'));
    const subscriptions = subscriptionsIn(results.get('subscribers_list'))?.map(({ event, ttl }) =>
      ttl === undefined ? { event } : { event, ttl },
    );
    return {
      time: now,
      link: {
        connected,
        ...(adapter === undefined ? {} : { adapter }),
        ...(seconds === undefined ? {} : { seconds }),
        ...(roundTrip === undefined ? {} : { round_trip_ms: roundTrip }),
      },
      ...(opensips ? { opensips } : {}),
      ...(uptime.success ? { up_since: uptime.data['Up since'] } : {}),
      ...(missing ? { missing } : {}),
      ...(subscriptions ? { subscriptions } : {}),
      ...(this.#lastEvent === undefined ? {} : { last_event_ms: now - this.#lastEvent }),
      unanswered: Object.fromEntries(unanswered),
    };
  }
}
