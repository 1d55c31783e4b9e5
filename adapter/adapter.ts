/**
 * The adapter: connects one OpenSIPS to the edge, or lets the edge connect.
 * @module
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { InDialogMessage, ListMessage, MiRequest, OpenSipsStatus } from '../shared/protocol/link.ts';
import { EdgeRequests } from './link/edge-requests.ts';
import { type EdgeLink, Link } from './link/link.ts';
import { ListeningLink } from './link/listening-link.ts';
import { Outbox } from './link/outbox.ts';
import type { Log } from './log.ts';
import { connectToOpenSips, type OpenSipsConnection } from './opensips/opensips.ts';
import type { Settings } from './settings.ts';
import { SOFTWARE } from './software.ts';
import { TIMING, type Timing } from './timing.ts';

/** Bytes kept for replay, for any number of messages: 100,000 events of 350 bytes, and some replies. */
const MAX_OUTBOX_BYTES = 64 * 1024 * 1024;

/** Between two looks at the requests that are under way, in milliseconds, while the adapter stops. */
const POLL_INTERVAL_MS = 20;

/** Returns what the edge is to know about OpenSIPS. */
function statusOf(
  opensips: OpenSipsConnection,
  { sipNextHop, setUpFrom, transport }: Settings,
): OpenSipsStatus {
  const { version, reachable } = opensips.health();
  return {
    version,
    reachable,
    next_hop: sipNextHop,
    ...opensips.features(),
    set_up_from: setUpFrom,
    ...(transport === undefined ? {} : { transport }),
  };
}

/** What tests replace. */
export interface Dependencies {
  readonly timing: Partial<Timing>;
  /** Returns a number from 0 to 1, for the jitter. */
  readonly random: () => number;
  /** Returns the Unix time in milliseconds, for the timestamps of events. */
  readonly clock: () => number;
}

export interface Adapter {
  /** Has a standby take over, replies to open requests, unsubscribes, says goodbye and disconnects, within `timing.stopTimeoutMs`. */
  stop(): Promise<void>;
  /** Reads the certificate files of the listener again. */
  reloadCertificate(): void;
}

/** Starts an adapter. It never throws: failures are logged and retried. */
export function startAdapter(
  settings: Settings,
  log: Log,
  { timing: timingOverrides = {}, random = Math.random, clock = Date.now }: Partial<Dependencies> = {},
): Adapter {
  const timing = { ...TIMING, ...timingOverrides };
  const outbox = new Outbox({ maxMessages: settings.buffer, maxBytes: MAX_OUTBOX_BYTES }, (added) =>
    link.scheduleSend(added),
  );
  const opensips = connectToOpenSips(
    settings,
    {
      onEvent: (event) => {
        const droppedBefore = outbox.droppedCount;
        outbox.addEvent(event, clock());
        if (droppedBefore === 0 && outbox.droppedCount > 0) {
          log.error(
            `The buffer for the edge is full, so events are dropped: --buffer (ADAPTER_BUFFER) is ${settings.buffer} messages. Check the connection to the edge, or increase it.`,
          );
        }
      },
      onGap: (reason) => outbox.addGap(reason),
      onHealthChange: () => link.sendStatus(),
    },
    timing,
    log,
  );
  const requests = new EdgeRequests(
    opensips,
    settings.allow,
    (id, response, mayWait) => outbox.addReply({ id, ...response }, mayWait),
    log,
  );
  const context = {
    adapterName: settings.name,
    stream: randomUUID(),
    software: SOFTWARE,
    outbox,
    opensipsStatus: () => statusOf(opensips, settings),
    acceptRequest: (request: MiRequest | InDialogMessage | ListMessage) => requests.accept(request),
    unacknowledgedReplies: () => requests.unacknowledgedReplies,
    onAcknowledged: (seq: number) => requests.onAcknowledged(seq),
  };
  const link: EdgeLink = settings.listen
    ? new ListeningLink(settings, settings.listen, context, timing, random, log)
    : new Link(settings, context, timing, random, log);
  let stopping: Promise<void> | undefined;
  // For a new stream the edge reads the dialogs, and events must be subscribed by then to report later changes.
  void opensips.firstCheck.then(() => (stopping === undefined ? link.run() : undefined));

  /** Waits until OpenSIPS has answered what the edge has requested. A phone that rings takes longer than `timeoutMs`. */
  async function requestsAnswered(timeoutMs: number): Promise<void> {
    const endsAt = performance.now() + timeoutMs;
    while (requests.unanswered > 0 && performance.now() < endsAt) await delay(POLL_INTERVAL_MS);
  }

  async function stop(): Promise<void> {
    log.info('Stopping.');
    const endsAt = performance.now() + timing.stopTimeoutMs;
    const halfOfTheRest = () => Math.max(0, endsAt - performance.now()) / 2;
    if (await link.release(timing.stopTimeoutMs / 4)) await requestsAnswered(halfOfTheRest());
    // OpenSIPS first, so that its last messages still reach the edge.
    await opensips.close(halfOfTheRest());
    await link.stop(Math.max(0, endsAt - performance.now()));
    log.info('Stopped.');
  }

  return {
    stop() {
      stopping ??= stop();
      return stopping;
    },
    reloadCertificate: () => link.reloadCertificate(),
  };
}
