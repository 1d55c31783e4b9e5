/** What is measured. @module */

/** Something whose speed is measured: one of the floor's, or a workload of this project. */
export interface Contender {
  readonly name: string;
  /** Makes `count` operations ready. It ends when all is quiet again, so that the next part is timed alone. */
  prepare(count: number): Promise<Prepared>;
}

/** Operations that are ready to be run. */
export interface Prepared {
  /** Runs operation number `k`, counted from 0; resolves at its end. */
  run(k: number): Promise<unknown>;
  /** Clears away what the operations have left behind; ends when all is quiet again. */
  clear(): Promise<void>;
}

/** How many clients there are, on how many objects. */
export interface Layout {
  /** Client sockets in all; at least one for each tenant. */
  readonly sockets: number;
  /** Each has an object of its own, an adapter and a simulator. */
  readonly tenants: number;
}

/** A layout with so many operations under way. */
export interface Place extends Layout {
  readonly inFlight: number;
}
