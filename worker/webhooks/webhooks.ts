/**
 * The webhooks of one site: its endpoints and their deliveries. They are an object of their own, so that a slow receiver
 * never delays a call. The Switchboard only notifies it how far its log goes; everything else runs from here, and from
 * this object's alarm after an eviction.
 * @module
 */

import { DurableObject } from 'cloudflare:workers';
import type { DeliveriesQuery, DeliveryView } from '../../shared/protocol/webhooks/deliveries.ts';
import {
  type EndpointBody,
  type EndpointChange,
  type EndpointView,
  type EndpointWithSecret,
  MAX_ENDPOINTS,
} from '../../shared/protocol/webhooks/endpoints.ts';
import { TEST_EVENT_TYPE, webhookBody } from '../../shared/protocol/webhooks/events.ts';
import { quote } from '../../shared/settings/quote.ts';
import { Alarm } from '../objects/alarm.ts';
import { ClockWatch } from '../objects/clock-watch.ts';
import { migrate } from '../objects/migrate.ts';
import { accept, type ChangeResult, type Outcome, reject } from '../objects/outcome.ts';
import { latestTime, moveTimesBack } from './clock-set-back.ts';
import { DeliveryLog } from './delivery-log.ts';
import { type Endpoint, EndpointStore } from './endpoints.ts';
import type { LogPosition } from './log-range.ts';
import { LogReader } from './log-reader.ts';
import { PendingRanges } from './pending-ranges.ts';
import { parseRetrySchedule } from './retry-schedule.ts';
import { WEBHOOKS_SCHEMA } from './schema.ts';
import { Sender } from './sender.ts';
import { generateSigner } from './signing.ts';
import { deliveryView, endpointView } from './views.ts';

/** When a Switchboard that could not be reached is tried again, in milliseconds. */
const ANNOUNCE_RETRY_MS = 5_000;

/** Bytes of an endpoint's id, which is not secret. */
const ID_BYTES = 8;

/** The components of the object while its site exists. */
interface Components {
  readonly endpoints: EndpointStore;
  readonly deliveries: DeliveryLog;
  readonly ranges: PendingRanges;
  readonly reader: LogReader;
  readonly sender: Sender;
}

export class Webhooks extends DurableObject<Env> {
  #components: Components | undefined;
  readonly #schedule: readonly number[];
  readonly #alarm: Alarm;
  /** Counts the times when the Switchboard must send notifications, to notice one that comes during an announcement. */
  #announceCount = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#schedule = parseRetrySchedule(env.WEBHOOK_RETRIES);
    this.#alarm = new Alarm(ctx.storage);
    ctx.blockConcurrencyWhile(() => this.#alarm.load());
  }

  #clock = new ClockWatch();

  /** Created at first use: an object that was erased stores nothing, not even empty tables, until it is used again. */
  get #active(): Components {
    if (!this.#components) {
      migrate(this.ctx.storage, WEBHOOKS_SCHEMA);
      const { sql } = this.ctx.storage;
      const stores = {
        endpoints: new EndpointStore(sql),
        deliveries: new DeliveryLog(sql),
        ranges: new PendingRanges(sql),
      };
      const sender: Sender = new Sender(this.ctx, {
        ...stores,
        schedule: this.#schedule,
        onWritten: () => this.#armAlarm(Date.now()),
        onQueueLow: (endpointId) => reader.readNext(endpointId),
      });
      const reader: LogReader = new LogReader({
        ...stores,
        storage: this.ctx.storage,
        readLog: (range) => this.#switchboard.readLog(range),
        onDeliveries: (endpointId, hasDropped) => {
          if (hasDropped) sender.invalidate();
          sender.sendDueTo(endpointId, Date.now());
          this.#armAlarm(Date.now());
        },
      });
      this.#components = { ...stores, reader, sender };
      this.#clock = new ClockWatch(latestTime(sql));
    }
    const { sender } = this.#components;
    const setBackMs = this.#clock.setBackMs(Date.now());
    if (setBackMs > 0) {
      moveTimesBack(this.ctx.storage.sql, setBackMs);
      sender.invalidate();
    }
    return this.#components;
  }

  /** The components after the results of all finished attempts have been written. */
  get #upToDate(): Components {
    const components = this.#active;
    components.sender.writeResults();
    return components;
  }

  /** Records how far the Switchboard's log goes. Returns whether any endpoint wants to be notified further. */
  onLogPosition(position: LogPosition): boolean {
    const now = Date.now();
    const isWanted = this.#active.reader.onLogPosition(position, now);
    if (isWanted) this.#process(now);
    return isWanted;
  }

  /** Returns the endpoints, oldest first. */
  list(): EndpointView[] {
    return this.#upToDate.endpoints.list().map((endpoint) => this.#viewOf(endpoint));
  }

  /** Returns an endpoint, or undefined where there is none. */
  show(id: string): EndpointView | undefined {
    const endpoint = this.#upToDate.endpoints.get(id);
    return endpoint && this.#viewOf(endpoint);
  }

  /** Creates an endpoint. @param siteName `tenant/site` */
  async create(siteName: string, body: EndpointBody): Promise<Outcome<EndpointWithSecret>> {
    const signer = await generateSigner();
    await this.#flushSwitchboard();
    const { endpoints } = this.#active;
    if (endpoints.list().length >= MAX_ENDPOINTS)
      return reject(409, `A site can have at most ${MAX_ENDPOINTS} webhooks. Delete one first.`);
    const id = newId();
    this.ctx.storage.transactionSync(() => {
      endpoints.add(id, signer, body, Date.now());
      this.ctx.storage.sql.exec(
        "INSERT OR IGNORE INTO site (id, name, epoch, last_seq, is_announced) VALUES (1, ?, '', 0, 0)",
        siteName,
      );
    });
    return this.#announceAfter(this.#withSecret(id, signer.secret));
  }

  async update(id: string, change: EndpointChange): Promise<Outcome<EndpointView>> {
    await this.#flushSwitchboard();
    const { endpoints } = this.#upToDate;
    const endpoint = endpoints.get(id);
    if (!endpoint) return noEndpoint(id);
    endpoints.change(endpoint, change);
    this.#process(Date.now());
    const view = this.show(id);
    return this.#announceAfter(view ? accept(view) : noEndpoint(id));
  }

  /** Gives an endpoint a new secret. @param grace seconds during which the old secret signs too */
  async rotateSecret(id: string, grace: number): Promise<Outcome<EndpointWithSecret>> {
    const signer = await generateSigner();
    const { endpoints } = this.#upToDate;
    const endpoint = endpoints.get(id);
    if (!endpoint) return noEndpoint(id);
    endpoints.rotate(endpoint, signer, grace * 1_000, Date.now());
    return toOutcome(this.#withSecret(id, signer.secret));
  }

  /** Deletes an endpoint with its deliveries. */
  remove(id: string): Outcome<null> {
    const { endpoints, deliveries, ranges } = this.#upToDate;
    if (!endpoints.get(id)) return noEndpoint(id);
    this.ctx.storage.transactionSync(() => {
      endpoints.delete(id);
      deliveries.clear(id);
      ranges.clear(id);
    });
    return toOutcome(accept(null));
  }

  /** Sends a test event, regardless of the endpoint's filter. */
  sendTest(id: string): Outcome<DeliveryView> {
    const { endpoints, deliveries } = this.#upToDate;
    const endpoint = endpoints.get(id);
    if (!endpoint) return noEndpoint(id);
    if (!endpoint.enabled) return endpointDisabled(id);
    const now = Date.now();
    const type = TEST_EVENT_TYPE;
    const body = webhookBody({ type, at: now, data: { endpoint: id } });
    const messageId = `msg_test_${crypto.randomUUID()}`;
    const delivery = deliveries.addOne({ endpointId: id, messageId, type, orderingKey: '', body }, now);
    this.#process(now);
    return delivery ? toOutcome(accept(deliveryView(delivery))) : noEndpoint(id);
  }

  /** Returns the deliveries of an endpoint, newest first; undefined where there is no such endpoint. */
  listDeliveries(id: string, query: DeliveriesQuery): DeliveryView[] | undefined {
    const { endpoints, deliveries } = this.#upToDate;
    return endpoints.get(id) && deliveries.list(id, query).map(deliveryView);
  }

  /** Sends a delivery again with the same `webhook-id`, and restarts its retry schedule. */
  replay(id: string, number: number): Outcome<DeliveryView> {
    const { endpoints, deliveries, sender } = this.#upToDate;
    const endpoint = endpoints.get(id);
    if (!endpoint) return noEndpoint(id);
    if (!endpoint.enabled) return endpointDisabled(id);
    const now = Date.now();
    deliveries.replay(id, number, now);
    sender.replay(id, number);
    const delivery = deliveries.get(id, number);
    if (!delivery)
      return reject(
        404,
        `There is no delivery ${number} of the webhook ${quote(id)}. List its deliveries to see which are stored.`,
      );
    this.#process(now);
    return toOutcome(accept(deliveryView(delivery)));
  }

  /** Deletes everything, because the site has been deleted. */
  async erase(): Promise<void> {
    this.#components?.sender.stop();
    this.#components?.reader.stop();
    this.#components = undefined;
    await this.#alarm.cancel();
    await this.ctx.storage.deleteAll();
  }

  override async alarm(): Promise<void> {
    this.#alarm.onFired();
    const now = Date.now();
    try {
      this.#upToDate.deliveries.trim(now);
      this.#process(now);
      await this.#announce();
    } catch (error) {
      console.error('The alarm of the webhooks failed; it is set again', error);
      await this.#alarm.retry(now);
    }
  }

  /** Sends what is due, reads what can be sent next, and arms the alarm for the rest. */
  #process(now: number): void {
    const { sender, reader } = this.#active;
    sender.sendDue(now);
    reader.readNextForAll();
    this.#armAlarm(now);
  }

  #viewOf(endpoint: Endpoint): EndpointView {
    return endpointView(endpoint, this.#active, Date.now());
  }

  /** Learns of all events so far before endpoints change, so that each is delivered by the filters of its time. */
  async #flushSwitchboard(): Promise<void> {
    const site = this.#site;
    if (site === undefined) return;
    try {
      await this.#switchboard.flushToWebhooks();
    } catch (error) {
      console.warn(
        `Could not flush the events of ${site.name}; the latest ones may be delivered by the changed webhooks`,
        error,
      );
    }
  }

  get #switchboard(): ReturnType<Env['SWITCHBOARD']['get']> {
    const { SWITCHBOARD } = this.env;
    return SWITCHBOARD.get(SWITCHBOARD.idFromName(this.#site?.name ?? ''));
  }

  /** The row of the site; undefined before the first endpoint is created. */
  get #site(): SiteRow | undefined {
    // Creates the table where it does not exist yet.
    void this.#active;
    return this.ctx.storage.sql.exec<SiteRow>('SELECT name, is_announced FROM site').toArray()[0];
  }

  #withSecret(id: string, secret: string): ChangeResult<EndpointWithSecret> {
    const view = this.show(id);
    return view ? accept({ ...view, secret }) : noEndpoint(id);
  }

  /** Makes sure that the Switchboard sends notifications after a change, and reports the site if it is not reached. */
  async #announceAfter<T>(result: ChangeResult<T>): Promise<Outcome<T>> {
    this.#announceCount++;
    this.ctx.storage.sql.exec('UPDATE site SET is_announced = 0');
    this.#armAlarm(Date.now());
    try {
      await this.#announce();
      return toOutcome(result);
    } catch (error) {
      const siteName = this.#site?.name ?? '';
      console.warn(
        `Could not notify the switchboard of ${siteName} about its webhooks; retrying in ${ANNOUNCE_RETRY_MS} ms`,
        error,
      );
      return result.ok ? { ...result, unreachedSites: [siteName.split('/').at(-1) ?? ''] } : result;
    }
  }

  async #announce(): Promise<void> {
    const site = this.#site;
    if (!site || site.is_announced === 1) return;
    const announceCount = this.#announceCount;
    await this.#switchboard.enableWebhooks(site.name);
    if (this.#components && announceCount === this.#announceCount)
      this.ctx.storage.sql.exec('UPDATE site SET is_announced = 1');
  }

  /** Arms one alarm for what is due, for what is in flight in case of an eviction, and for what must be trimmed. */
  #armAlarm(now: number): void {
    const { sender, reader, deliveries } = this.#active;
    const announceDue = this.#site?.is_announced === 0 ? now + ANNOUNCE_RETRY_MS : Number.POSITIVE_INFINITY;
    this.#alarm.arm(Math.min(sender.due(now), reader.due(now), announceDue, deliveries.due), now);
  }
}

type SiteRow = { name: string; is_announced: number };

function toOutcome<T>(result: ChangeResult<T>): Outcome<T> {
  return result.ok ? { ...result, unreachedSites: [] } : result;
}

function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function noEndpoint(id: string) {
  return reject(404, `There is no webhook ${quote(id)}. List the webhooks to see their ids.`);
}

function endpointDisabled(id: string) {
  return reject(409, `The webhook ${quote(id)} is disabled. Enable it first.`);
}
