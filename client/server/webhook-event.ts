/** The bodies of webhooks, as the edge sends them: docs/webhooks.md. @module */
import type { CommandFailure, Method } from '../api/command-types.ts';
import type { Call, CallEvent, Metadata } from '../connection/call.ts';

interface Event<Type extends string, Data> {
  readonly type: Type;
  /** When the event happened: ISO 8601, UTC. The header `webhook-timestamp` is when it was sent. */
  readonly timestamp: string;
  readonly data: Data;
}

/** An event of a command, such as `command.call_start.callee_answered`. */
export type CommandWebhook = Event<
  `command.${string}.${string}`,
  {
    /** Later events have higher numbers. */
    readonly seq: number;
    readonly cmd_id: string;
    readonly method: Method;
    readonly event: string;
    readonly data?: unknown;
    /** With the event `Error`. */
    readonly error?: CommandFailure;
    readonly metadata?: Metadata;
  }
>;

/** An event of a call, such as `call.answered`. */
export type CallWebhook = Event<
  `call.${Lowercase<CallEvent>}`,
  {
    readonly seq: number;
    readonly event: CallEvent;
    readonly call: Call;
    readonly data?: unknown;
  }
>;

/** The link to the adapters has changed. */
export type LinkWebhook = Event<
  'link.up' | 'link.down',
  {
    readonly seq: number;
    readonly event: 'Up' | 'Down';
    /** Those that are connected, the one that serves the site first. */
    readonly adapters: readonly {
      readonly adapter: string;
      readonly role: 'active' | 'standby';
      /** Its release. Absent from one of 0.2.0. */
      readonly version?: string;
      /** Whether MI of its OpenSIPS replies. */
      readonly reachable: boolean;
    }[];
  }
>;

/** What an administrator has sent as a test. */
export type TestWebhook = Event<'webhook.test', { readonly endpoint: string }>;

export type WebhookEvent = CommandWebhook | CallWebhook | LinkWebhook | TestWebhook;
