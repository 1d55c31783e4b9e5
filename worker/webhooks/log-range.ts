/** What the Switchboard and the webhooks of a site exchange about the site's log. @module */
import type { EventFilter, WebhookEvent } from '../../shared/protocol/webhooks/events.ts';

/** How far the log of a site goes. */
export interface LogPosition {
  /** Random for each storage of the Switchboard. Together with a `seq` it identifies an event. */
  readonly epoch: string;
  /** Events up to this number precede the first webhook and are not delivered. */
  readonly startSeq: number;
  /** Everything up to this number is in the log. */
  readonly lastSeq: number;
  /** The minimum time that the log keeps an event, in milliseconds. */
  readonly retentionMs: number;
}

/** A range of the log, and which of its events an endpoint subscribes to. */
export interface LogRange extends EventFilter {
  readonly epoch: string;
  /** Exclusive. */
  readonly afterSeq: number;
  /** Inclusive. */
  readonly lastSeq: number;
}

/** The events at the beginning of a range. */
export interface LogPage {
  /** Matching events in order. */
  readonly events: readonly WebhookEvent[];
  /** The page covers the range up to this number, inclusive. More may follow. */
  readonly lastSeq: number;
  /** How many numbers at the beginning of the range the log no longer keeps. */
  readonly lostCount: number;
}
