/** What a deployment gives the Worker. @module */
import type { Switchboard } from './switchboard.ts';

export interface Env {
  readonly SWITCHBOARD: DurableObjectNamespace<Switchboard>;
  /** Secret: lets clients in, as `Authorization: Bearer`. */
  readonly API_KEY?: string;
  /** Secret: lets the adapter in. */
  readonly ADAPTER_KEY?: string;
  /** Sockets that this process can hold, where its machine bounds them; on Cloudflare it does not. */
  readonly MAX_SOCKETS?: string;
}
