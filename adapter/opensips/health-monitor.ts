/**
 * Monitors OpenSIPS: renews the event subscriptions, and detects restarts, lost responses and lost events. OpenSIPS
 * reports none of these by itself.
 * @module
 */
import { EVENT_NAMES } from '../../shared/opensips/evi.ts';
import { UptimeResult, VersionResult } from '../../shared/opensips/mi.ts';
import { reasonOf } from '../../shared/settings/error-reason.ts';
import { listsSendSequential } from '../in-dialog/support.ts';
import type { Log } from '../log.ts';
import type { Address } from '../settings.ts';
import type { EventSocket } from './event-socket.ts';
import { UnknownEventAddressError } from './host-address.ts';
import type { MiClient } from './mi-client.ts';
import { describeResponse, type MiResponse } from './mi-message.ts';
import type { RequestTimeouts } from './request-timeouts.ts';
import { areSubscriptionsActive, findScriptEvents, subscribe } from './subscriptions.ts';

export interface HealthMonitorDependencies {
  readonly mi: MiClient;
  /** Returns the event socket, and opens it if necessary. Rejects with a reason for the log. */
  readonly getEventSocket: () => Promise<EventSocket>;
  /** Resolves OpenSIPS's address again. Rejects if its hostname is unknown. */
  readonly resolveAddress: () => Promise<void>;
  /** Returns the number of datagrams that the kernel dropped at a port since the socket was opened. */
  readonly countDropped: (port: number) => number;
  /** Returns the milliseconds of a monotonic clock. */
  readonly now: () => number;
  readonly log: Log;
  /** MI address of OpenSIPS, as the user gave it. */
  readonly miAddress: string;
  readonly settingNames: SettingNames;
}

/** What the user knows the settings as that a problem may come from. */
export interface SettingNames {
  readonly opensips: string;
  readonly events: string;
}

export interface HealthListener {
  /** Called when events may have been lost, as soon as the subscriptions are active again: none is lost after the call. */
  onGap(reason: string): void;
  /** Called when MI starts or stops responding, or the version has changed. */
  onHealthChange(health: Health): void;
}

export interface Health {
  /** The response to `version`; empty before the first one. */
  readonly version: string;
  readonly reachable: boolean;
  /** Whether OpenSIPS has the command for requests within a dialog; undefined until it has listed its commands. */
  readonly sendsSequential: boolean | undefined;
}

/** Consecutive failed checks until OpenSIPS counts as unreachable: a single datagram may get lost. */
const FAILURES_UNTIL_UNREACHABLE = 2;

export class HealthMonitor {
  readonly #dependencies: HealthMonitorDependencies;
  readonly #listener: HealthListener;
  readonly #subscriptionSeconds: number;
  readonly #timeouts: RequestTimeouts;
  #health: Health = { version: '', reachable: false, sendsSequential: undefined };
  #failures = 0;
  #upSince: string | undefined;
  #subscribedAt: number | undefined;
  /** The events of the last subscription. */
  #events: readonly string[] = EVENT_NAMES;
  #droppedCount: number | undefined;
  /** Where events are received. */
  #address: Address | undefined;
  /** The reason of a gap that is reported once the subscriptions are active, because events are lost until then. */
  #pendingGap: string | undefined;
  /** The problem found by the last check. It is not logged again while it stays the same. */
  #lastProblem: string | undefined;

  constructor(
    dependencies: HealthMonitorDependencies,
    listener: HealthListener,
    subscriptionSeconds: number,
    timeoutMs: number,
  ) {
    this.#dependencies = dependencies;
    this.#listener = listener;
    this.#subscriptionSeconds = subscriptionSeconds;
    this.#timeouts = { timeoutMs, ttlMs: timeoutMs };
  }

  get health(): Health {
    return this.#health;
  }

  /** Checks OpenSIPS once. Returns false if there is a problem, so that the caller checks again sooner. Never rejects. */
  async check(): Promise<boolean> {
    const problem = await this.#findProblem();
    if (this.#subscribedAt === undefined) this.#pendingGap ??= 'no event subscription was active';
    if (problem !== undefined && problem !== this.#lastProblem) this.#dependencies.log.error(problem);
    this.#lastProblem = problem;
    return problem === undefined && this.#failures === 0;
  }

  /** Ends the subscriptions, if OpenSIPS responds. */
  async unsubscribe(timeoutMs: number): Promise<void> {
    if (this.#subscribedAt === undefined) return;
    const { mi, log, getEventSocket } = this.#dependencies;
    const { address } = await getEventSocket();
    const failure = await subscribe(mi, address, 0, { timeoutMs, ttlMs: timeoutMs }, this.#events);
    if (failure === undefined) log.info('Unsubscribed from events.');
    else log.warn(failure, 'Cannot unsubscribe from events. The subscriptions will expire by themselves.');
  }

  /** Runs all checks. Returns a description of the first problem, for the log. */
  async #findProblem(): Promise<string | undefined> {
    const { mi, miAddress, settingNames, resolveAddress } = this.#dependencies;
    if (this.#failures > 0 || this.#upSince === undefined) {
      try {
        await resolveAddress();
      } catch (error) {
        return this.#onFailure(
          `Cannot find the host of OpenSIPS, ${miAddress}: ${reasonOf(error)}. Check ${settingNames.opensips}.`,
          true,
        );
      }
    }
    const response = await mi.request('uptime', {}, this.#timeouts);
    const uptime = UptimeResult.safeParse(resultOf(response));
    if (!uptime.success) {
      const isCertain = !('outcome' in response) || response.outcome !== 'timeout';
      return this.#onFailure(
        `OpenSIPS does not respond to MI at ${miAddress} (UDP): ${describeResponse(response)}. Check that it is running, and that ${settingNames.opensips} is the socket_name of its mi_datagram module.`,
        isCertain,
      );
    }
    await this.#onUptime(uptime.data['Up since']);
    try {
      return await this.#checkSubscriptions();
    } catch (error) {
      this.#subscribedAt = undefined;
      this.#pendingGap ??= 'events could not be received';
      if (error instanceof UnknownEventAddressError) return error.message;
      return `Cannot listen for events: ${reasonOf(error)}. Check that ${settingNames.events} is a free UDP port at an address of this machine.`;
    }
  }

  /** Counts a failed check. Returns the problem once OpenSIPS counts as unreachable: at once if `isCertain`. */
  #onFailure(problem: string, isCertain: boolean): string | undefined {
    this.#failures += 1;
    if (!isCertain && this.#failures < FAILURES_UNTIL_UNREACHABLE) return undefined;
    this.#pendingGap ??= 'OpenSIPS did not respond';
    this.#setHealth({ ...this.#health, reachable: false });
    return problem;
  }

  /**
   * Detects a restart by the start time. The uptime itself would not do: after a restart that is detected late, it may be
   * longer than before.
   */
  async #onUptime(upSince: string): Promise<void> {
    this.#failures = 0;
    const { reachable, version: knownVersion, sendsSequential } = this.#health;
    if (upSince === this.#upSince && reachable && knownVersion !== '' && sendsSequential !== undefined)
      return;
    if (this.#upSince !== undefined && upSince !== this.#upSince) {
      this.#pendingGap = 'OpenSIPS restarted';
      this.#subscribedAt = undefined;
    }
    this.#upSince = upSince;
    const { mi } = this.#dependencies;
    const [versionResponse, commands] = await Promise.all([
      mi.request('version', {}, this.#timeouts),
      mi.request('which', {}, this.#timeouts),
    ]);
    const version = VersionResult.safeParse(resultOf(versionResponse));
    this.#setHealth({
      version: version.success ? version.data.Server : knownVersion,
      reachable: true,
      // Without a response it stays unknown, and the next check asks again.
      sendsSequential: 'error' in commands ? false : listsSendSequential(resultOf(commands)),
    });
  }

  /** Detects lost events, renews the subscriptions, and reports a pending gap. Returns a description of the problem. */
  async #checkSubscriptions(): Promise<string | undefined> {
    const { mi, now, log, getEventSocket, countDropped } = this.#dependencies;
    const { address } = await getEventSocket();
    const isNewAddress = this.#address?.host !== address.host || this.#address.port !== address.port;
    if (isNewAddress && this.#subscribedAt !== undefined) {
      this.#pendingGap ??= 'events were sent to an earlier address of this machine';
      this.#subscribedAt = undefined;
    }
    if (isNewAddress) this.#droppedCount = undefined;
    this.#address = address;
    // Listed before they are renewed: renewal would hide that they had expired.
    const list = await mi.request('subscribers_list', {}, this.#timeouts);
    if (
      this.#subscribedAt !== undefined &&
      areSubscriptionsActive(resultOf(list), address, this.#events) === false
    ) {
      this.#pendingGap ??= 'the event subscription had expired';
      this.#subscribedAt = undefined;
    }
    const dropped = countDropped(address.port);
    if (dropped > (this.#droppedCount ?? dropped)) {
      log.warn({ dropped }, 'Events were lost because the receive buffer of the socket was full.');
      this.#pendingGap ??= 'events were lost in the socket buffer';
    }
    this.#droppedCount = dropped;
    const halfLifeMs = this.#subscriptionSeconds * 500;
    if (this.#subscribedAt === undefined || now() - this.#subscribedAt >= halfLifeMs) {
      const requestedAt = now();
      const failure = await this.#subscribe(address);
      if (failure !== undefined) {
        return `OpenSIPS rejected the subscription to ${failure.event}: ${describeResponse(failure.response)}. Check that the modules event_datagram, dialog and callops are loaded.`;
      }
      if (this.#subscribedAt === undefined) {
        log.info({ expire: this.#subscriptionSeconds }, 'Subscribed to events.');
      }
      this.#subscribedAt = requestedAt;
    }
    this.#reportPendingGap();
    return undefined;
  }

  /** Subscribes to the events, and to those of the script that OpenSIPS has. Returns which of the required ones failed. */
  async #subscribe(address: Address): ReturnType<typeof subscribe> {
    const { mi, log } = this.#dependencies;
    const seconds = this.#subscriptionSeconds;
    const failure = await subscribe(mi, address, seconds, this.#timeouts);
    if (failure !== undefined) return failure;
    const optionalEvents = await findScriptEvents(mi, this.#timeouts);
    const refused = await subscribe(mi, address, seconds, this.#timeouts, optionalEvents);
    if (refused !== undefined) log.debug(refused, 'Cannot subscribe to an optional event of the script.');
    this.#events = refused === undefined ? [...EVENT_NAMES, ...optionalEvents] : EVENT_NAMES;
    return undefined;
  }

  #reportPendingGap(): void {
    if (this.#pendingGap === undefined) return;
    this.#dependencies.log.warn({ reason: this.#pendingGap }, 'Events may be missing. Notifying the edge.');
    this.#listener.onGap(this.#pendingGap);
    this.#pendingGap = undefined;
  }

  #setHealth(health: Health): void {
    const { reachable, version, sendsSequential } = this.#health;
    const isReported = health.reachable === reachable && health.version === version;
    if (isReported && health.sendsSequential === sendsSequential) return;
    if (health.reachable && !isReported)
      this.#dependencies.log.info({ version: health.version }, 'OpenSIPS is reachable.');
    this.#health = health;
    this.#listener.onHealthChange(health);
  }
}

function resultOf(response: MiResponse): unknown {
  return 'result' in response ? response.result : undefined;
}
