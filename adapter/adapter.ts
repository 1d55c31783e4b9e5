/**
 * The adapter: OpenSIPS on one side, the edge on the other.
 * @module
 */
import { randomUUID } from 'node:crypto';
import { Link } from './link.ts';
import type { Log } from './log.ts';
import { openOpenSips } from './opensips.ts';
import { Outbox } from './outbox.ts';
import { Requests } from './requests.ts';
import type { Settings } from './settings.ts';
import { TIMING, type Timing } from './timing.ts';

/** Bytes kept for replay, whatever the number of messages: 100,000 events of 350 bytes, and some replies. */
const BUFFER_BYTES = 64 * 1024 * 1024;

/** What tests set otherwise. */
export interface Dependencies {
  readonly timing: Partial<Timing>;
  /** From 0 to 1, for the jitter. */
  readonly random: () => number;
  /** Unix time in milliseconds, written on events. */
  readonly clock: () => number;
}

export interface Adapter {
  /** Ends cleanly: answers what is open, unsubscribes, says goodbye. Never longer than `timing.stop`. */
  stop(): Promise<void>;
}

/** Starts an adapter. It never fails: what does not work is logged and tried again. */
export function startAdapter(
  settings: Settings,
  log: Log,
  { timing: given = {}, random = Math.random, clock = Date.now }: Partial<Dependencies> = {},
): Adapter {
  const timing = { ...TIMING, ...given };
  const outbox = new Outbox({ messages: settings.buffer, bytes: BUFFER_BYTES }, () => link.wake());
  const opensips = openOpenSips(
    settings,
    {
      event: (event) => {
        const lost = outbox.lost;
        outbox.event(event, clock());
        if (lost === 0 && outbox.lost > 0)
          log.error('events are dropped: the buffer for the edge is full (--buffer)');
      },
      gap: (reason) => outbox.gap(reason),
      status: () => link.status(),
    },
    timing,
    log,
  );
  const requests = new Requests(
    opensips.mi,
    settings.allow,
    (id, answer) => outbox.reply({ id, ...answer }),
    log,
  );
  const link = new Link(
    settings,
    {
      adapter: settings.name,
      stream: randomUUID(),
      outbox,
      opensips: () => ({ ...opensips.health(), next_hop: settings.sipNextHop }),
      take: (request) => requests.take(request),
      unacknowledged: () => requests.unacknowledged,
      acknowledged: (seq) => requests.acknowledged(seq),
    },
    timing,
    random,
    log,
  );
  let stopping: Promise<void> | undefined;
  // The edge reads the dialogs when a stream is new: by then their changes are to be subscribed.
  void opensips.looked.then(() => (stopping === undefined ? link.run() : undefined));

  async function stop(): Promise<void> {
    log.info('stopping');
    // OpenSIPS first, so that its last words still reach the edge; each gets half of the time.
    await opensips.close(timing.stop / 2);
    await link.stop(timing.stop / 2);
    log.info('stopped');
  }

  return {
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}
