/**
 * The connection to one OpenSIPS: MI requests, EVI events and its health. It does not need an edge, so the direct mode of
 * the command line uses it alone.
 * @module
 */
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { EviEvent } from '../../shared/opensips/evi.ts';
import type { Log } from '../log.ts';
import type { Settings } from '../settings.ts';
import type { Timing } from '../timing.ts';
import { type EventSocket, findLocalAddress, openEventSocket } from './event-socket.ts';
import { type Health, type HealthListener, HealthMonitor, type SettingNames } from './health-monitor.ts';
import { countDroppedDatagrams } from './kernel-drops.ts';
import { MiClient } from './mi-client.ts';

/** The adapter's own requests are few. They have a client of their own, so that they never wait behind the edge's. */
const MAX_OWN_REQUESTS = 8;

export interface OpenSipsListener extends HealthListener {
  /** Called for each event. */
  onEvent(event: EviEvent): void;
}

export interface OpenSipsConnection {
  /** Runs MI commands. */
  readonly mi: MiClient;
  /** Returns the health found by the last check. */
  health(): Health;
  /** Resolves after the first health check, whether OpenSIPS responded or not. */
  readonly firstCheck: Promise<void>;
  /** Unsubscribes and closes every socket, within `timeoutMs`. Outstanding requests end as `timeout`. */
  close(timeoutMs: number): Promise<void>;
}

/** The settings of the adapter. */
const ADAPTER_SETTINGS: SettingNames = {
  opensips: '--opensips (OPENSIPS_MI)',
  events: '--events (EVI_LISTEN)',
};

/**
 * Connects to OpenSIPS. It never throws: failures are logged, reported to the listener and retried.
 * @param settingNames the settings that messages refer to
 */
export function connectToOpenSips(
  settings: Pick<Settings, 'opensips' | 'events' | 'subscription'>,
  listener: OpenSipsListener,
  timing: Pick<Timing, 'checkIntervalMs' | 'recheckIntervalMs' | 'ownRequestTimeoutMs'>,
  log: Log,
  settingNames = ADAPTER_SETTINGS,
): OpenSipsConnection {
  const mi = new MiClient();
  const ownMi = new MiClient(MAX_OWN_REQUESTS);
  const stopping = new AbortController();
  let host: string | undefined;
  let eventSocket: EventSocket | undefined;

  async function resolveAddress(): Promise<void> {
    const { address } = await lookup(settings.opensips.host, { family: 4 });
    if (address === host) return;
    host = address;
    for (const client of [mi, ownMi]) client.connectTo({ host, port: settings.opensips.port });
    eventSocket?.acceptFrom(host);
  }

  async function getEventSocket(): Promise<EventSocket> {
    if (eventSocket !== undefined) return eventSocket;
    if (host === undefined) throw new Error("OpenSIPS's address is not known yet");
    const local = settings.events ?? {
      host: await findLocalAddress({ host, port: settings.opensips.port }),
      port: 0,
    };
    eventSocket = await openEventSocket(local, host, (event) => listener.onEvent(event), log);
    return eventSocket;
  }

  const monitor = new HealthMonitor(
    {
      mi: ownMi,
      getEventSocket,
      resolveAddress,
      countDropped: readDroppedDatagrams,
      now: () => performance.now(),
      log,
      miAddress: `${settings.opensips.host}:${settings.opensips.port}`,
      settingNames,
    },
    listener,
    settings.subscription,
    timing.ownRequestTimeoutMs,
  );

  async function checkPeriodically(isFirstCheckOk: boolean): Promise<void> {
    const { signal } = stopping;
    let isOk = isFirstCheckOk;
    while (!signal.aborted) {
      const delayMs = isOk ? timing.checkIntervalMs : timing.recheckIntervalMs;
      await delay(delayMs, undefined, { signal }).catch(() => {});
      if (!signal.aborted) isOk = await monitor.check();
    }
  }

  const firstCheck = monitor.check();
  const checks = firstCheck.then(checkPeriodically);

  return {
    mi,
    health: () => monitor.health,
    firstCheck: firstCheck.then(() => {}),
    async close(timeoutMs) {
      stopping.abort();
      mi.close();
      // After the last check, because a check in progress might subscribe again.
      const unsubscribed = checks.then(() => monitor.unsubscribe(timeoutMs));
      await Promise.race([unsubscribed, delay(timeoutMs, undefined, { ref: false })]);
      ownMi.close();
      // A check that was cut off by the timeout may still be opening the socket.
      void checks.then(() => eventSocket?.close());
    },
  };
}

/** Returns the number of datagrams that Linux dropped at a port. On other systems it is unknown, and always 0. */
function readDroppedDatagrams(port: number): number {
  try {
    return countDroppedDatagrams(port, readFileSync('/proc/net/udp', 'latin1'));
  } catch {
    return 0;
  }
}
