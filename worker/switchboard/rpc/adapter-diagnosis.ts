/** What a diagnosis asks one adapter and its OpenSIPS, and what they have answered. @module */
import {
  DIAGNOSTIC_MI_COMMANDS,
  type DiagnosticMiCommand,
  missingCommands,
  missingRecommendedCommands,
  parseSubscriptions,
} from '../../../shared/opensips/diagnostics.ts';
import { UptimeResult } from '../../../shared/opensips/mi.ts';
import type { MiRequest, Reply } from '../../../shared/protocol/link.ts';
import type { AdapterDiagnosisResult } from '../../../shared/protocol/rpc/diagnosis.ts';

/** For each reply, in milliseconds. The adapter reports a missing reply before the diagnosis ends, unless the link is lost as well. */
const REPLY_TIMEOUT_MS = 1_500;

/** Why a command has no result if not even the adapter has answered. */
const NO_ANSWER = 'no answer of the adapter';

/** A request without a time to live: the adapter answers at once without running it. So it measures the link alone. */
const PROBE = 'probe';

/** A request, and the process of the adapter that it is for. */
export type DiagnosisRequest = MiRequest & { readonly stream: string };

export class AdapterDiagnosis {
  readonly adapter: string;
  readonly stream: string;
  readonly requests: readonly DiagnosisRequest[];
  /** Requests without a reply, by request id. */
  readonly #pending = new Map<string, DiagnosticMiCommand | typeof PROBE>();
  readonly #results = new Map<DiagnosticMiCommand, unknown>();
  /** Why a command has no result. */
  readonly #failures = new Map<DiagnosticMiCommand, string>();
  #roundTripMs: number | undefined;

  /** @param nextId returns the id of a request */
  constructor(adapter: string, stream: string, nextId: () => string) {
    this.adapter = adapter;
    this.stream = stream;
    const request = (what: DiagnosticMiCommand | typeof PROBE): DiagnosisRequest => {
      const id = nextId();
      this.#pending.set(id, what);
      const method = what === PROBE ? 'uptime' : what;
      const ttl_ms = what === PROBE ? 0 : REPLY_TIMEOUT_MS;
      return { type: 'mi', id, method, params: {}, timeout_ms: REPLY_TIMEOUT_MS, ttl_ms, stream };
    };
    this.requests = ([PROBE, ...DIAGNOSTIC_MI_COMMANDS] as const).map((what) => request(what));
  }

  get isComplete(): boolean {
    return this.#pending.size === 0;
  }

  /** The round trip in milliseconds from the edge to the adapter and back, without OpenSIPS. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  /**
   * Handles an adapter's reply. Replies to other requests are ignored.
   * @param elapsedMs since the diagnosis began
   */
  onReply({ id, result, error, outcome }: Omit<Reply, 'type' | 'seq'>, elapsedMs: number): void {
    const what = this.#pending.get(id);
    if (what === undefined) return;
    this.#pending.delete(id);
    if (what === PROBE) this.#roundTripMs = elapsedMs;
    else if (error) this.#failures.set(what, `${error.code} ${error.message}`);
    else if (outcome) this.#failures.set(what, outcome);
    else this.#results.set(what, result);
  }

  /** No more replies come. */
  giveUp(): void {
    for (const what of this.#pending.values()) if (what !== PROBE) this.#failures.set(what, NO_ANSWER);
    this.#pending.clear();
  }

  /** What OpenSIPS has answered. */
  get result(): Omit<AdapterDiagnosisResult, 'adapter' | 'round_trip_ms' | 'opensips'> {
    const uptime = UptimeResult.safeParse(this.#results.get('uptime'));
    const missing = missingCommands(this.#results.get('which'));
    const missingRecommended = missingRecommendedCommands(this.#results.get('which'));
    const subscriptions = parseSubscriptions(this.#results.get('subscribers_list'))?.map(({ event, ttl }) =>
      ttl === undefined ? { event } : { event, ttl },
    );
    return {
      ...(uptime.success ? { up_since: uptime.data['Up since'] } : {}),
      ...(missing ? { missing } : {}),
      ...(missingRecommended ? { missing_recommended: missingRecommended } : {}),
      ...(subscriptions ? { subscriptions } : {}),
      unanswered: Object.fromEntries(this.#failures),
    };
  }
}
