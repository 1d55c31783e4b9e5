/** Secrets and variables of a deployment. @module */

export interface Variables {
  /**
   * Secret: `kid:secret` and, behind commas, those that came before it. The first signs keys and tokens, all verify:
   * see `door/key-ring.ts`. Without it nobody has a key.
   */
  readonly KEY_SECRETS?: string;
  /** Secret: lets an administrator in. Without it nobody is one. */
  readonly ADMIN_SECRET?: string;
  /** Secret: lets the adapter of the open `demo` tenant in; only a developer's own machine has one. */
  readonly ADAPTER_KEY?: string;
  /** Sockets that this process can hold, where its machine bounds them; on Cloudflare it does not. */
  readonly MAX_SOCKETS?: string;
  /** When webhooks are tried, in seconds: see `scheduleOf`. Absent: ten times in three days. */
  readonly WEBHOOK_RETRIES?: string;
  /** Anything: webhooks may go to private addresses, where the platform lets them, and by http. */
  readonly WEBHOOKS_TO_PRIVATE?: string;
}
