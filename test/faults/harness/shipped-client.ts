/** The shipped client in a fault run: what it tells its program is recorded, so that its promises can be checked. @module */
import type { CommandEvent, ConnectOptions, Method } from '../../../client/index.ts';
import type { Notification, RpcResponse } from '../../harness/client.ts';
import { WatchedCalls } from '../oracle/watched-calls.ts';
import { type Driver, type Report, type ReportedError, startDriver } from './client-driver.ts';
import { type CommandParams, type FaultClient, NotificationLog } from './fault-client.ts';

/** When a command that was refused for lack of an adapter is requested again. */
const NO_ADAPTER_RETRY_MS = 250;
const NO_ADAPTER = -32001;

/** One `run` of the client, with what its handle did. Times are in Unix milliseconds. */
export interface CommandRun {
  readonly method: string;
  readonly cmdId: string;
  readonly startedAt: number;
  /** When the first event came, or `ended` settled without one; 0 before that. */
  firstAt: number;
  readonly updates: CommandEvent<Method>[];
  isIterated: boolean;
  iterationError?: ReportedError | undefined;
  /** When `ended` settled; 0 before that. */
  settledAt: number;
  result?: unknown;
  error?: ReportedError | undefined;
}

export class ShippedClient implements FaultClient {
  readonly violations: string[] = [];
  readonly runs: CommandRun[] = [];
  /** What each watch has received. */
  readonly watches: WatchedCalls[] = [];
  /** The names of all sessions that it has had. */
  readonly sessions = new Set<string>();
  readonly #log = new NotificationLog();
  readonly #lost = new Set<string>();
  readonly #onFirst: ((response: RpcResponse) => void)[] = [];
  #driver: Driver | undefined;
  #isClosed = false;

  /** Connects the client in this process. */
  static start(options: ConnectOptions): ShippedClient {
    const client = new ShippedClient();
    client.#driver = startDriver(options, (report) => client.#onReport(report));
    return client;
  }

  /** Connects a client that runs elsewhere. */
  static async startWith(
    open: (report: (report: Report) => void, onError: (message: string) => void) => Promise<Driver>,
  ): Promise<ShippedClient> {
    const client = new ShippedClient();
    client.#driver = await open(
      (report) => client.#onReport(report),
      (message) => client.violations.push(message),
    );
    return client;
  }

  get notifications(): readonly Notification[] {
    return this.#log.all;
  }

  notificationsOf(cmdId: string): readonly Notification[] {
    return this.#log.of(cmdId);
  }

  waitForEvent(cmdId: string, names: readonly string[], timeoutMs: number): Promise<boolean> {
    return this.#log.waitFor(cmdId, names, timeoutMs);
  }

  isLost(cmdId: string): boolean {
    return this.#lost.has(cmdId);
  }

  async request(method: string, params: CommandParams): Promise<RpcResponse> {
    for (;;) {
      const response = await this.#run(method, params);
      if (response.error?.code !== NO_ADAPTER || this.#isClosed) return response;
      await new Promise((resolve) => setTimeout(resolve, NO_ADAPTER_RETRY_MS));
    }
  }

  /** Begins a watch of all calls. */
  watch(): void {
    this.watches.push(new WatchedCalls());
    this.#driver?.watch(this.watches.length - 1);
  }

  /** Resolves with all active calls, as `CallList` has them. */
  async list(): ReturnType<Driver['list']> {
    return (await this.#driver?.list()) ?? [];
  }

  close(): void {
    this.#isClosed = true;
    this.#driver?.close();
  }

  #run(method: string, { cmd_id: cmdId, ...params }: CommandParams): Promise<RpcResponse> {
    const run = this.runs.length;
    this.runs.push({
      method,
      cmdId,
      startedAt: Date.now(),
      firstAt: 0,
      updates: [],
      isIterated: false,
      settledAt: 0,
    });
    const first = new Promise<RpcResponse>((resolve) => {
      this.#onFirst[run] = resolve;
    });
    this.#driver?.run(run, method, params, cmdId);
    return first;
  }

  #onReport(report: Report): void {
    // What `close` itself rejects is not part of the run.
    if (this.#isClosed) return;
    switch (report.type) {
      case 'session':
        this.sessions.add(report.name);
        return;
      case 'change':
        this.watches[report.watch]?.onChange(report.change);
        return;
      case 'unwatched':
        this.violations.push(`watch ${report.watch} has ended: ${JSON.stringify(report.error)}`);
        return;
      default:
        this.#onRunReport(report);
    }
  }

  #onRunReport(report: Extract<Report, { readonly run: number }>): void {
    const run = this.runs[report.run];
    if (!run) return;
    const { cmdId } = run;
    if (run.firstAt === 0) run.firstAt = Date.now();
    if (report.type === 'event') {
      const { update } = report;
      run.updates.push(update);
      if (update.event === 'Started')
        this.#onFirst[report.run]?.({ id: report.run, result: { cmd_id: cmdId, event: 'Started' } });
      // Every command of a fault run is stored, so its notifications are numbered.
      else if (update.seq !== undefined) this.#log.add({ cmd_id: cmdId, ...update });
      return;
    }
    const { error } = report;
    if (report.type === 'settled') {
      run.settledAt = Date.now();
      run.result = report.result;
      run.error = error;
    } else {
      run.isIterated = true;
      run.iterationError = error;
    }
    if (error?.event === 'Lost') this.#lost.add(cmdId);
    if (error?.event === 'Lost' || error?.event === 'Refused') {
      if (error.code !== NO_ADAPTER) this.#log.finish(cmdId);
      this.#onFirst[report.run]?.({ id: report.run, error: { message: '', ...error } });
    }
  }
}
