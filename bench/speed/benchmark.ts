/** The interface of everything that the speed benchmark measures, and the dimensions that it varies. @module */

/** A baseline, or a workload of the Call API. */
export interface Benchmark {
  readonly name: string;
  /** Prepares a round of `count` operations. Resolves when the system is idle, so that only the operations are timed. */
  prepare(count: number): Promise<PreparedRound>;
}

/** A round whose operations are ready to run. */
export interface PreparedRound {
  /** Runs operation number `k`, counted from 0. Resolves at its end. */
  run(k: number): Promise<unknown>;
  /** Removes what the operations have created. Resolves when the system is idle. */
  cleanUp(): Promise<void>;
}

/** The number of clients, and of the objects that they share. */
export interface Topology {
  /** Client sockets in total, at least one for each tenant. */
  readonly sockets: number;
  /** Each tenant has its own object, adapter and simulator. */
  readonly tenants: number;
}

/** A topology and the number of concurrent operations. */
export interface Configuration extends Topology {
  readonly inFlight: number;
}
