/**
 * The near side: one OpenSIPS, reached by MI and heard by EVI. It needs no edge, so the command line's direct
 * mode uses it alone.
 * @module
 */
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { EviEvent } from '../shared/evi.ts';
import { type EventSocket, localAddressTowards, openEventSocket } from './evi.ts';
import { droppedAt } from './kernel-drops.ts';
import type { Log } from './log.ts';
import { MiClient } from './mi.ts';
import type { Settings } from './settings.ts';
import type { Timing } from './timing.ts';
import { type Health, type Listener, Watch } from './watch.ts';

/** Our own requests are few, and must not wait behind calls that ring. */
const OWN_REQUESTS = 8;

/** What OpenSIPS does by itself, told as it happens. */
export interface OpenSipsListener extends Listener {
  event(event: EviEvent): void;
}

export interface OpenSipsSide {
  /** Runs MI commands. */
  readonly mi: MiClient;
  /** What is known of OpenSIPS now. */
  health(): Health;
  /** Ended when OpenSIPS was looked at once, whether it answered or not. */
  readonly looked: Promise<void>;
  /** Unsubscribes and closes every socket; at most `timeoutMs` long. Requests under way end as `timeout`. */
  close(timeoutMs: number): Promise<void>;
}

/** Opens the near side. Nothing of it throws later: what fails is logged, told to the listener and tried again. */
export function openOpenSips(
  settings: Pick<Settings, 'opensips' | 'events' | 'subscription'>,
  listener: OpenSipsListener,
  timing: Pick<Timing, 'check' | 'recheck' | 'ownRequest'>,
  log: Log,
): OpenSipsSide {
  const mi = new MiClient();
  const own = new MiClient(OWN_REQUESTS);
  const stopping = new AbortController();
  let host: string | undefined;
  let socket: EventSocket | undefined;

  async function locate(): Promise<void> {
    const { address } = await lookup(settings.opensips.host, { family: 4 });
    if (address === host) return;
    host = address;
    for (const client of [mi, own]) client.connectTo({ host, port: settings.opensips.port });
    socket?.takeFrom(host);
  }

  async function events(): Promise<EventSocket> {
    if (socket !== undefined) return socket;
    if (host === undefined) throw new Error("OpenSIPS's address is not known yet");
    const local = settings.events ?? {
      host: await localAddressTowards({ host, port: settings.opensips.port }),
      port: 0,
    };
    socket = await openEventSocket(local, host, (event) => listener.event(event), log);
    return socket;
  }

  const watch = new Watch(
    { mi: own, events, locate, dropped: droppedNow, now: () => performance.now(), log },
    listener,
    settings.subscription,
    timing.ownRequest,
  );

  async function keepLooking(well: boolean): Promise<void> {
    let next = well;
    while (!stopping.signal.aborted) {
      await delay(next ? timing.check : timing.recheck, undefined, { signal: stopping.signal }).catch(
        () => {},
      );
      if (!stopping.signal.aborted) next = await watch.check();
    }
  }

  const first = watch.check();
  const looking = first.then(keepLooking);

  return {
    mi,
    health: () => watch.health,
    looked: first.then(() => {}),
    async close(timeoutMs) {
      stopping.abort();
      mi.close();
      // A look under way might subscribe again, so it goes first.
      const ended = looking.then(() => watch.unsubscribe(timeoutMs));
      await Promise.race([ended, delay(timeoutMs, undefined, { ref: false })]);
      own.close();
      // A look that was cut off may still be opening it.
      void looking.then(() => socket?.close());
    },
  };
}

/** Linux counts what it drops; elsewhere nothing is known, and 0 never rises. */
function droppedNow(port: number): number {
  try {
    return droppedAt(port, readFileSync('/proc/net/udp', 'latin1'));
  } catch {
    return 0;
  }
}
