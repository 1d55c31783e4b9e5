/**
 * Notifies the webhook object of the latest log position, shortly after something was written. The webhook object reads the events
 * from the log itself when it can deliver them, so a turn pays the same however many events and endpoints there are. The webhook
 * object keeps how far it has been notified; after a hibernation it is notified again. A site without webhooks does nothing.
 * @module
 */
import { loadMeter } from '../../objects/load-meter.ts';
import type { LogPosition } from '../../webhooks/log-range.ts';

/** If the object dies before it has notified, an alarm notifies this much later, in milliseconds. */
const FALLBACK_ALARM_MS = 5_000;

export interface NotifierOptions {
  readonly epoch: string;
  /** See {@link LogPosition}. */
  readonly retentionMs: () => number;
  /** Notifies the webhooks of `tenant/site`. Returns whether any endpoint still needs events. */
  readonly notify: (siteName: string, position: LogPosition) => Promise<boolean>;
  /** No endpoint needs events any more. */
  readonly onStopped: () => void;
}

/** The site, and the number up to which events are not delivered. */
type Subscription = { readonly siteName: string; readonly startSeq: number };

export class LogNotifier {
  readonly #sql: SqlStorage;
  readonly #options: NotifierOptions;
  /** Undefined while the site has no webhooks. */
  #subscription: Subscription | undefined;
  /** Everything up to here is in the log. */
  #writtenUpTo: number;
  /** The webhook object has been notified of everything up to here; undefined after a hibernation. */
  #notifiedUpTo: number | undefined;
  /** When it must be notified, in Unix milliseconds. */
  #due = Number.POSITIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #notifying: Promise<boolean> | undefined;
  /** Counts calls of {@link enable}, to notice one that comes while a notification is on its way. */
  #enableCount = 0;

  /** @param lastSeq the last number in the log */
  constructor(sql: SqlStorage, lastSeq: number, options: NotifierOptions) {
    this.#sql = sql;
    this.#options = options;
    this.#writtenUpTo = lastSeq;
    sql.exec(
      'CREATE TABLE IF NOT EXISTS webhook_subscription (id INTEGER PRIMARY KEY, site TEXT NOT NULL, start_seq INTEGER NOT NULL)',
    );
    const [row] = sql
      .exec<{ site: string; start_seq: number }>('SELECT site, start_seq FROM webhook_subscription')
      .toArray();
    this.#subscription = row && { siteName: row.site, startSeq: row.start_seq };
  }

  /** Whether the site has webhooks. */
  get isEnabled(): boolean {
    return this.#subscription !== undefined;
  }

  /** The webhooks of `tenant/site` need the events from now on. */
  enable(siteName: string): void {
    this.#enableCount++;
    if (this.isEnabled) return;
    const startSeq = this.#writtenUpTo;
    this.#subscription = { siteName, startSeq };
    this.#notifiedUpTo = startSeq;
    this.#sql.exec(
      'INSERT INTO webhook_subscription (id, site, start_seq) VALUES (1, ?, ?)',
      siteName,
      startSeq,
    );
  }

  /** When {@link onAlarm} is due, in Unix milliseconds; infinity for never. */
  get due(): number {
    return this.#due;
  }

  /** Something has been written; the log contains everything up to `lastSeq`. */
  onWritten(lastSeq: number, now: number): void {
    this.#writtenUpTo = lastSeq;
    if (!this.isEnabled) return;
    this.#due = Math.min(this.#due, now + FALLBACK_ALARM_MS);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, loadMeter.batchWindowMs(now));
  }

  /** Notifies if it is due, or after a hibernation, when it is not known what was notified. */
  onAlarm(now: number): void {
    if (!this.isEnabled || (this.#notifiedUpTo !== undefined && this.#due > now)) return;
    this.#due = now + FALLBACK_ALARM_MS;
    void this.flush();
  }

  /** The clock was set back by `ms` milliseconds. */
  onClockSetBack(ms: number): void {
    this.#due -= ms;
  }

  /** Notifies of everything that is written now. Never rejects: a failed notification is repeated when it is {@link due}. */
  async flush(): Promise<void> {
    const upTo = this.#writtenUpTo;
    while (this.isEnabled && (this.#notifiedUpTo ?? -1) < upTo) {
      this.#notifying ??= this.#notify().finally(() => {
        this.#notifying = undefined;
      });
      if (!(await this.#notifying)) return;
    }
  }

  /** Stops for good, when the site is deleted. */
  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#subscription = undefined;
  }

  /** Returns whether the webhook object was reached. */
  async #notify(): Promise<boolean> {
    if (!this.#subscription) return false;
    const { siteName, startSeq } = this.#subscription;
    const { epoch, retentionMs, notify } = this.#options;
    const [enableCount, lastSeq] = [this.#enableCount, this.#writtenUpTo];
    try {
      const isNeeded = await notify(siteName, { epoch, startSeq, lastSeq, retentionMs: retentionMs() });
      if (!isNeeded && enableCount === this.#enableCount) this.#disable();
    } catch (error) {
      console.warn(`The webhooks of ${siteName} could not be notified of new events; will retry`, error);
      return false;
    }
    this.#notifiedUpTo = lastSeq;
    // What was written meanwhile has a timer of its own.
    if (lastSeq === this.#writtenUpTo) this.#due = Number.POSITIVE_INFINITY;
    return true;
  }

  #disable(): void {
    this.#subscription = undefined;
    this.#sql.exec('DELETE FROM webhook_subscription');
    this.#options.onStopped();
  }
}
