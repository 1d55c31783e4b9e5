/**
 * Watches OpenSIPS: keeps the subscriptions alive, and finds out when it restarts, stops answering, or when
 * events may have been lost. OpenSIPS itself says nothing of all that.
 * @module
 */
import { UptimeResult, VersionResult } from '../shared/mi.ts';
import type { EventSocket } from './evi.ts';
import type { Log } from './log.ts';
import type { MiClient, Patience } from './mi.ts';
import type { MiAnswer } from './mi-message.ts';
import { standing, subscribe } from './subscriptions.ts';

/** What the watch needs of the world. */
export interface Surroundings {
  readonly mi: MiClient;
  /** Opens the event socket, or gives the open one. Rejects with a reason for the log. */
  readonly events: () => Promise<EventSocket>;
  /** Looks OpenSIPS's address up again; rejects where its name is not known. */
  readonly locate: () => Promise<void>;
  /** Datagrams that the kernel dropped at a port since the socket was opened. */
  readonly dropped: (port: number) => number;
  /** Milliseconds of a clock that never jumps. */
  readonly now: () => number;
  readonly log: Log;
}

/** Told as it happens. */
export interface Listener {
  /** Events may be missing, and the subscriptions stand again: from here on none is. */
  gap(reason: string): void;
  /** MI answers or not, or another version does. */
  status(status: Health): void;
}

export interface Health {
  /** As `version` answers; empty while it has not. */
  readonly version: string;
  readonly reachable: boolean;
}

/** So many looks without an answer, and OpenSIPS counts as unreachable: one datagram may get lost. */
const FAILURES_UNTIL_UNREACHABLE = 2;

export class Watch {
  readonly #world: Surroundings;
  readonly #listener: Listener;
  readonly #subscriptionSeconds: number;
  readonly #patience: Patience;
  #health: Health = { version: '', reachable: false };
  #failures = 0;
  #upSince: string | undefined;
  #subscribedAt: number | undefined;
  #dropped: number | undefined;
  /** A gap that is owed: told as soon as the subscriptions stand, since what is lost until then belongs to it. */
  #owed: string | undefined;
  /** The last complaint: the same one is not logged again at every look. */
  #complaint: string | undefined;

  constructor(world: Surroundings, listener: Listener, subscriptionSeconds: number, timeoutMs: number) {
    this.#world = world;
    this.#listener = listener;
    this.#subscriptionSeconds = subscriptionSeconds;
    this.#patience = { timeoutMs, ttlMs: timeoutMs };
  }

  get health(): Health {
    return this.#health;
  }

  /** One look; never rejects. Tells whether all is well, so that the caller can look again sooner if not. */
  async check(): Promise<boolean> {
    const trouble = await this.#look();
    if (this.#subscribedAt === undefined) this.#owed ??= 'no event subscription stood';
    if (trouble !== undefined && trouble !== this.#complaint) this.#world.log.error(trouble);
    this.#complaint = trouble;
    return trouble === undefined && this.#failures === 0;
  }

  /** Ends the subscriptions, as far as OpenSIPS answers. */
  async unsubscribe(timeoutMs: number): Promise<void> {
    if (this.#subscribedAt === undefined) return;
    const { address } = await this.#world.events();
    const refusal = await subscribe(this.#world.mi, address, 0, { timeoutMs, ttlMs: timeoutMs });
    if (refusal === undefined) this.#world.log.info('unsubscribed from events');
    else this.#world.log.warn(refusal, 'could not unsubscribe from events; they end by themselves');
  }

  /** Returns the trouble in a sentence, or nothing. */
  async #look(): Promise<string | undefined> {
    const { mi, log } = this.#world;
    if (this.#failures > 0 || this.#upSince === undefined) {
      try {
        await this.#world.locate();
      } catch (error) {
        return this.#unanswered(
          `OpenSIPS's name cannot be resolved (${messageOf(error)}): check --opensips`,
          true,
        );
      }
    }
    const answer = await mi.request('uptime', {}, this.#patience);
    const uptime = UptimeResult.safeParse('result' in answer ? answer.result : undefined);
    if (!uptime.success) {
      const surely = !('outcome' in answer) || answer.outcome !== 'timeout';
      return this.#unanswered(
        `OpenSIPS does not answer MI (${inWords(answer)}): is it running, is --opensips right?`,
        surely,
      );
    }
    await this.#answered(uptime.data['Up since']);
    try {
      return await this.#keepSubscribed();
    } catch (error) {
      this.#subscribedAt = undefined;
      this.#owed ??= 'events could not be received';
      log.debug({ err: error }, 'no event socket');
      return `events cannot be received (${messageOf(error)}): is --events free, and an address of this machine?`;
    }
  }

  #unanswered(trouble: string, surely: boolean): string | undefined {
    this.#failures += 1;
    if (!surely && this.#failures < FAILURES_UNTIL_UNREACHABLE) return undefined;
    this.#owed ??= 'OpenSIPS did not answer';
    this.#tell({ ...this.#health, reachable: false });
    return trouble;
  }

  async #answered(upSince: string): Promise<void> {
    this.#failures = 0;
    if (upSince === this.#upSince && this.#health.reachable && this.#health.version !== '') return;
    // The time of start, not the uptime itself: after a restart that we saw late, that may be the larger.
    if (this.#upSince !== undefined && upSince !== this.#upSince) {
      this.#owed = 'OpenSIPS restarted';
      this.#subscribedAt = undefined;
    }
    this.#upSince = upSince;
    const answer = await this.#world.mi.request('version', {}, this.#patience);
    const version = VersionResult.safeParse('result' in answer ? answer.result : undefined);
    this.#tell({ version: version.success ? version.data.Server : this.#health.version, reachable: true });
  }

  async #keepSubscribed(): Promise<string | undefined> {
    const { mi, now, log } = this.#world;
    const { address } = await this.#world.events();
    // Asked before renewing, which would hide that it had lapsed.
    const answer = await mi.request('subscribers_list', {}, this.#patience);
    const stands = standing('result' in answer ? answer.result : undefined, address);
    if (this.#subscribedAt !== undefined && stands === false) {
      this.#owed ??= 'the event subscription had lapsed';
      this.#subscribedAt = undefined;
    }
    const dropped = this.#world.dropped(address.port);
    if (dropped > (this.#dropped ?? dropped)) {
      log.warn({ dropped }, 'events lost: the socket buffer was full');
      this.#owed ??= 'events were lost in the socket buffer';
    }
    this.#dropped = dropped;
    const halfLifeMs = this.#subscriptionSeconds * 500;
    if (this.#subscribedAt === undefined || now() - this.#subscribedAt >= halfLifeMs) {
      const asked = now();
      const refusal = await subscribe(mi, address, this.#subscriptionSeconds, this.#patience);
      if (refusal !== undefined) {
        return `OpenSIPS did not subscribe ${refusal.event} (${inWords(refusal.answer)}): are event_datagram, dialog and callops loaded?`;
      }
      if (this.#subscribedAt === undefined)
        log.info({ expire: this.#subscriptionSeconds }, 'subscribed to events');
      this.#subscribedAt = asked;
    }
    this.#settle();
    return undefined;
  }

  #settle(): void {
    if (this.#owed === undefined) return;
    this.#world.log.warn({ reason: this.#owed }, 'events may be missing: the edge is told');
    this.#listener.gap(this.#owed);
    this.#owed = undefined;
  }

  #tell(health: Health): void {
    if (health.reachable === this.#health.reachable && health.version === this.#health.version) return;
    if (health.reachable) this.#world.log.info({ version: health.version }, 'OpenSIPS answers');
    this.#health = health;
    this.#listener.status(health);
  }
}

function inWords(answer: MiAnswer): string {
  if ('error' in answer) return `${answer.error.code} ${answer.error.message}`;
  return 'outcome' in answer ? answer.outcome : 'an answer of another shape';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
