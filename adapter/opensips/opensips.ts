/**
 * The connection to one OpenSIPS: MI requests, EVI events and its health. It does not need an edge, so the direct mode of
 * the command line uses it alone.
 * @module
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import type { EviEvent } from '../../shared/opensips/evi.ts';
import type { InDialogMethod } from '../../shared/opensips/in-dialog.ts';
import type { ListParams } from '../../shared/protocol/dialog-list.ts';
import type { OpenSipsStatus } from '../../shared/protocol/link.ts';
import { formatAddress } from '../../shared/settings/value-types.ts';
import { ListReader } from '../dialogs/list-reader.ts';
import { FullDialog } from '../in-dialog/dialog.ts';
import { InDialogRequests } from '../in-dialog/in-dialog-requests.ts';
import { createSequentialSender } from '../in-dialog/sequential.ts';
import { inDialogSupport } from '../in-dialog/support.ts';
import type { Log } from '../log.ts';
import type { Settings } from '../settings.ts';
import type { Timing } from '../timing.ts';
import { DialogLookup } from './dialog-lookup.ts';
import type { PageReader } from './dialog-pages.ts';
import { EventReceiver } from './event-receiver.ts';
import type { EventSocket } from './event-socket.ts';
import { type Health, type HealthListener, HealthMonitor, type SettingNames } from './health-monitor.ts';
import { resolveHost } from './host-address.ts';
import { countDroppedDatagrams } from './kernel-drops.ts';
import { MiClient } from './mi-client.ts';
import { createMiGateway, type MiRequester } from './mi-gateway.ts';
import type { MiResponse } from './mi-message.ts';
import type { RequestTimeouts } from './request-timeouts.ts';

/** The adapter's own requests are few. They have a client of their own, so that they never wait behind the edge's. */
const MAX_OWN_REQUESTS = 8;

export interface OpenSipsListener extends HealthListener {
  /** Called for each event. */
  onEvent(event: EviEvent): void;
}

export interface OpenSipsConnection {
  /** Runs MI commands. Results have no SDP, and `dlg_list {callid}` finds the dialog that has not ended. */
  readonly mi: MiRequester;
  /** Sends a request within a dialog: see {@link InDialogRequests.run}. The outcome is `refused` if the settings forbid it. */
  inDialog(
    method: InDialogMethod,
    params: Readonly<Record<string, unknown>>,
    timeouts: RequestTimeouts,
    id?: string,
  ): Promise<MiResponse>;
  /** Reads the list of dialogs, gently, and returns what has changed in it. */
  listDialogs(params: ListParams): Promise<MiResponse>;
  /** Returns what commands need to know of this OpenSIPS, as far as it has responded yet. */
  features(): OpenSipsFeatures;
  /** Returns the health found by the last check. */
  health(): Health;
  /** Resolves after the first health check, whether OpenSIPS responded or not. */
  readonly firstCheck: Promise<void>;
  /** Unsubscribes and closes every socket, within `timeoutMs`. Outstanding requests end as `timeout`. */
  close(timeoutMs: number): Promise<void>;
}

const DialogOfLookup = z.object({ Dialog: FullDialog });
const UNREADABLE_DIALOG: MiResponse = {
  error: { code: 500, message: 'OpenSIPS responded to dlg_list in an unknown form' },
};

/** The settings of the adapter. */
const ADAPTER_SETTINGS: SettingNames = {
  opensips: '--opensips (OPENSIPS_MI)',
  events: '--events (EVI_LISTEN)',
};

/** `in_dialog` is absent if no request within a dialog can be sent, or while that is not known. */
export type OpenSipsFeatures = Pick<OpenSipsStatus, 'in_dialog' | 'match_param'>;

/** The settings for requests within a dialog. */
export type InDialogSettings = Pick<Settings, 'engine' | 'frTimeoutMs' | 'matching'>;

/**
 * Connects to OpenSIPS. It never throws: failures are logged, reported to the listener and retried.
 * @param settingNames the settings that messages refer to
 */
export function connectToOpenSips(
  settings: Pick<Settings, 'opensips' | 'events' | 'subscription'> & InDialogSettings,
  listener: OpenSipsListener,
  timing: Pick<Timing, 'checkIntervalMs' | 'recheckIntervalMs' | 'ownRequestTimeoutMs'>,
  log: Log,
  settingNames = ADAPTER_SETTINGS,
): OpenSipsConnection {
  const mi = new MiClient();
  const ownMi = new MiClient(MAX_OWN_REQUESTS);
  const stopping = new AbortController();
  let host: string | undefined;

  const ownTimeouts = { timeoutMs: timing.ownRequestTimeoutMs, ttlMs: timing.ownRequestTimeoutMs };
  const readPage: PageReader = (index, counter) => ownMi.request('dlg_list', { index, counter }, ownTimeouts);
  const lookup = new DialogLookup(readPage);
  const lists = new ListReader(readPage);
  const inDialog = new InDialogRequests({
    findDialog: async (callid, timeouts) => {
      const response = await lookup.find(mi, callid, timeouts, undefined);
      if (!('result' in response)) return response;
      const result = DialogOfLookup.safeParse(response.result);
      // The parser's own message is not passed on: it could quote what it has read.
      return result.success ? result.data.Dialog : UNREADABLE_DIALOG;
    },
    send: createSequentialSender(mi, settings.frTimeoutMs),
    matching: settings.matching,
    clock: Date.now,
  });

  function onEvent(event: EviEvent): void {
    inDialog.onEvent(event);
    listener.onEvent(event);
  }

  const receiver = new EventReceiver({
    events: settings.events,
    eventsSetting: settingNames.events,
    onEvent,
    onRouteChange() {
      for (const client of [mi, ownMi]) client.discardIdleSockets();
    },
    log,
  });

  async function resolveAddress(): Promise<void> {
    const address = await resolveHost(settings.opensips.host);
    if (address === host) return;
    host = address;
    for (const client of [mi, ownMi]) client.connectTo({ host, port: settings.opensips.port });
    receiver.acceptFrom(host);
  }

  async function getEventSocket(): Promise<EventSocket> {
    if (host === undefined) throw new Error("OpenSIPS's address is not known yet");
    return receiver.socketFor({ host, port: settings.opensips.port });
  }

  const monitor = new HealthMonitor(
    {
      mi: ownMi,
      getEventSocket,
      resolveAddress,
      countDropped: readDroppedDatagrams,
      now: () => performance.now(),
      log,
      miAddress: formatAddress(settings.opensips),
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
    mi: createMiGateway(mi, lookup),
    inDialog: async (method, params, timeouts, id) =>
      settings.engine === 'callops' ? { outcome: 'refused' } : inDialog.run(method, params, timeouts, id),
    listDialogs: (params) => lists.changes(params),
    features() {
      const { version, sendsSequential } = monitor.health;
      const support = inDialogSupport(version, sendsSequential, settings.frTimeoutMs);
      const isUsed = support !== undefined && settings.engine !== 'callops';
      return { match_param: settings.matching.param, ...(isUsed ? { in_dialog: support } : {}) };
    },
    health: () => monitor.health,
    firstCheck: firstCheck.then(() => {}),
    async close(timeoutMs) {
      stopping.abort();
      lists.stop();
      mi.close();
      // After the last check, because a check in progress might subscribe again.
      const unsubscribed = checks.then(() => monitor.unsubscribe(timeoutMs));
      await Promise.race([unsubscribed, delay(timeoutMs, undefined, { ref: false })]);
      ownMi.close();
      receiver.stop();
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
