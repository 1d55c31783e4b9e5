/** Logs why connections are refused, with a bounded number of lines however many there are. @module */
import type { Log } from '../log.ts';
import { REFUSALS, type Refusal, type RefusalReason } from './refusal.ts';

/** Between two lines with the same reason, in milliseconds. So a scan causes some ten lines a minute at most. */
const INTERVAL_MS = 60_000;

export class RefusalLog {
  readonly #log: Pick<Log, 'warn'>;
  readonly #last = new Map<RefusalReason, { readonly at: number; unlogged: number }>();

  constructor(log: Pick<Log, 'warn'>) {
    this.#log = log;
  }

  /**
   * @param source the address of the client, or of the proxy before the adapter
   * @param now in milliseconds of a clock that only rises
   */
  record({ refused, detail }: Refusal, source: string, now: number): void {
    const last = this.#last.get(refused);
    if (last && now - last.at < INTERVAL_MS) {
      last.unlogged += 1;
      return;
    }
    this.#last.set(refused, { at: now, unlogged: 0 });
    const others = last && last.unlogged > 0 ? { others_before: last.unlogged } : {};
    this.#log.warn(
      { source, refused, ...(detail === undefined ? {} : { detail }), ...others },
      `Refused a connection. ${REFUSALS[refused]}`,
    );
  }
}
