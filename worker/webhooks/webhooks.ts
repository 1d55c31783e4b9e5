/**
 * The webhooks of one site: its endpoints, and what is on its way to them. It is an object of its own, so that no
 * receiver, however slow, holds a call up. The Switchboard tells how far its log goes; all else runs from here, and from
 * this object's alarm where it was evicted meanwhile.
 * @module
 */
import { DurableObject } from 'cloudflare:workers';
import {
  bodyOf,
  type DeliveriesQuery,
  type DeliveryView,
  type EndpointBody,
  type EndpointChange,
  type EndpointView,
  type EndpointWithSecret,
  MOST_ENDPOINTS,
  TEST_TYPE,
} from '../../shared/webhooks.ts';
import { Alarm } from '../alarm.ts';
import type { Env } from '../env.ts';
import type { Switchboard } from '../switchboard.ts';
import { migrate } from '../tenant/migrate.ts';
import { type Made, made, type Outcome, refused } from '../tenant/outcome.ts';
import { Deliveries } from './deliveries.ts';
import { type Endpoint, Endpoints } from './endpoints.ts';
import type { News } from './herald.ts';
import { Intake } from './intake.ts';
import { scheduleOf } from './schedule.ts';
import { WEBHOOKS_STEPS } from './schema.ts';
import { Sending } from './sending.ts';
import { newSigner } from './signing.ts';
import { Spans } from './spans.ts';
import { viewOfDelivery, viewOfEndpoint } from './views.ts';

/** A switchboard that could not be told is tried again after so many milliseconds. */
const AGAIN_MS = 5_000;

/** Bytes of an endpoint's id. It is no secret. */
const ID_BYTES = 8;

/** What is here while there is a site. */
interface Parts {
  readonly endpoints: Endpoints;
  readonly deliveries: Deliveries;
  readonly spans: Spans;
  readonly intake: Intake;
  readonly sending: Sending;
}

export class Webhooks extends DurableObject<Env> {
  #parts: Parts | undefined;
  readonly #schedule: readonly number[];
  readonly #alarm: Alarm;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#schedule = scheduleOf(env.WEBHOOK_RETRIES);
    this.#alarm = new Alarm(ctx.storage);
    ctx.blockConcurrencyWhile(() => this.#alarm.find());
  }

  /** Made when first asked for: one that was erased holds nothing, not even empty tables, until somebody comes. */
  get #here(): Parts {
    if (!this.#parts) {
      migrate(this.ctx.storage, WEBHOOKS_STEPS);
      const { sql } = this.ctx.storage;
      const kept = { endpoints: new Endpoints(sql), deliveries: new Deliveries(sql), spans: new Spans(sql) };
      const sending: Sending = new Sending(this.ctx, {
        ...kept,
        schedule: this.#schedule,
        written: () => this.#arm(Date.now()),
        short: (endpoint) => intake.more(endpoint),
      });
      const intake: Intake = new Intake({
        ...kept,
        storage: this.ctx.storage,
        read: (wanted) => this.#switchboard.happened(wanted),
        came: (endpoint, moved) => {
          if (moved) sending.forget();
          sending.stir(endpoint, Date.now());
          this.#arm(Date.now());
        },
      });
      this.#parts = { ...kept, intake, sending };
    }
    return this.#parts;
  }

  /** All that is here, with what came of every try that is over. */
  get #settled(): Parts {
    const parts = this.#here;
    parts.sending.write();
    return parts;
  }

  /** The Switchboard's log goes so far. Gives whether anybody wants to be told what happens. */
  told(news: News): boolean {
    const now = Date.now();
    const isWanted = this.#here.intake.told(news, now);
    if (isWanted) this.#go(now);
    return isWanted;
  }

  /** The endpoints, the oldest first. */
  list(): EndpointView[] {
    return this.#settled.endpoints.list().map((endpoint) => this.#viewOf(endpoint));
  }

  /** Undefined where there is none. */
  show(id: string): EndpointView | undefined {
    const endpoint = this.#settled.endpoints.get(id);
    return endpoint && this.#viewOf(endpoint);
  }

  /** Makes an endpoint. @param place `tenant/site`, whose webhooks these are */
  async create(place: string, body: EndpointBody): Promise<Outcome<EndpointWithSecret>> {
    const signer = await newSigner();
    await this.#catchUp();
    const { endpoints } = this.#here;
    if (endpoints.list().length >= MOST_ENDPOINTS)
      return refused(409, `a site has at most ${MOST_ENDPOINTS} webhooks; delete one first`);
    const id = newId();
    this.ctx.storage.transactionSync(() => {
      endpoints.add(id, signer, body, Date.now());
      this.ctx.storage.sql.exec(
        "INSERT OR IGNORE INTO site (only, place, epoch, cursor, announced) VALUES (1, ?, '', 0, 0)",
        place,
      );
    });
    return this.#announced(this.#withSecret(id, signer.secret));
  }

  async change(id: string, change: EndpointChange): Promise<Outcome<EndpointView>> {
    await this.#catchUp();
    const { endpoints } = this.#settled;
    const endpoint = endpoints.get(id);
    if (!endpoint) return noEndpoint(id);
    endpoints.change(endpoint, change);
    this.#go(Date.now());
    const view = this.show(id);
    return this.#announced(view ? made(view) : noEndpoint(id));
  }

  /** Gives an endpoint a new secret. @param grace seconds that the old one signs as well */
  async rotate(id: string, grace: number): Promise<Outcome<EndpointWithSecret>> {
    const signer = await newSigner();
    const { endpoints } = this.#settled;
    const endpoint = endpoints.get(id);
    if (!endpoint) return noEndpoint(id);
    endpoints.rotate(endpoint, signer, grace * 1_000, Date.now());
    return told(this.#withSecret(id, signer.secret));
  }

  /** Deletes an endpoint with all that was on its way to it. */
  remove(id: string): Outcome<null> {
    const { endpoints, deliveries, spans } = this.#settled;
    if (!endpoints.get(id)) return noEndpoint(id);
    this.ctx.storage.transactionSync(() => {
      endpoints.delete(id);
      deliveries.clear(id);
      spans.clear(id);
    });
    return told(made(null));
  }

  /** Sends a test event, whatever the filters say. */
  sendTest(id: string): Outcome<DeliveryView> {
    const { endpoints, deliveries } = this.#settled;
    const endpoint = endpoints.get(id);
    if (!endpoint) return noEndpoint(id);
    if (!endpoint.enabled) return isDisabled(id);
    const now = Date.now();
    const body = bodyOf({ type: TEST_TYPE, at: now, data: { endpoint: id } });
    const messageId = `msg_test_${crypto.randomUUID()}`;
    const added = deliveries.addOne({ endpoint: id, id: messageId, type: TEST_TYPE, about: '', body }, now);
    this.#go(now);
    return added ? told(made(viewOfDelivery(added))) : noEndpoint(id);
  }

  /** The log of an endpoint, newest first; undefined where there is none. */
  deliveries(id: string, query: DeliveriesQuery): DeliveryView[] | undefined {
    const { endpoints, deliveries } = this.#settled;
    return endpoints.get(id) && deliveries.list(id, query).map(viewOfDelivery);
  }

  /** Sends a delivery once more, with the same `webhook-id`, on a schedule that begins anew. */
  replay(id: string, n: number): Outcome<DeliveryView> {
    const { endpoints, deliveries, sending } = this.#settled;
    const endpoint = endpoints.get(id);
    if (!endpoint) return noEndpoint(id);
    if (!endpoint.enabled) return isDisabled(id);
    const now = Date.now();
    deliveries.replay(id, n, now);
    sending.forget();
    const delivery = deliveries.get(id, n);
    if (!delivery)
      return refused(404, `there is no delivery ${n} of the webhook ${id}; list them to see which are kept`);
    this.#go(now);
    return told(made(viewOfDelivery(delivery)));
  }

  /** The site is no more: deletes all that is here. */
  async erase(): Promise<void> {
    this.#parts?.sending.end();
    this.#parts?.intake.end();
    this.#parts = undefined;
    await this.#alarm.drop();
    await this.ctx.storage.deleteAll();
  }

  override async alarm(): Promise<void> {
    this.#alarm.came();
    const now = Date.now();
    try {
      this.#settled.deliveries.trim(now);
      this.#go(now);
      await this.#announce();
    } catch (error) {
      console.error('alarm of webhooks failed', error);
      await this.#alarm.retry(now);
    }
  }

  /** Sends what is due, and arms the alarm for the rest. */
  #go(now: number): void {
    const { sending, intake } = this.#here;
    sending.go(now);
    intake.go();
    this.#arm(now);
  }

  #viewOf(endpoint: Endpoint): EndpointView {
    return viewOfEndpoint(endpoint, this.#here, Date.now());
  }

  /** What has happened until now is told as endpoints are now, and not as they are about to be. */
  async #catchUp(): Promise<void> {
    if (this.#site === undefined) return;
    try {
      await this.#switchboard.catchUpWebhooks();
    } catch (error) {
      console.warn('what has just happened may be told as webhooks are from now on', error);
    }
  }

  /** Whose webhooks these are. */
  get #switchboard(): DurableObjectStub<Switchboard> {
    const { SWITCHBOARD } = this.env;
    return SWITCHBOARD.get(SWITCHBOARD.idFromName(this.#site?.place ?? ''));
  }

  /** What is known of the site; undefined before it had an endpoint. */
  get #site(): Site | undefined {
    // Makes its table where it is not there yet.
    void this.#here;
    return this.ctx.storage.sql.exec<Site>('SELECT * FROM site').toArray()[0];
  }

  #withSecret(id: string, secret: string): Made<EndpointWithSecret> {
    const view = this.show(id);
    return view ? made({ ...view, secret }) : noEndpoint(id);
  }

  /** Makes sure that the Switchboard tells what happens from now on, and says so where it could not be told yet. */
  async #announced<T>(outcome: Made<T>): Promise<Outcome<T>> {
    const { sql } = this.ctx.storage;
    sql.exec('UPDATE site SET announced = 0');
    this.#arm(Date.now());
    try {
      await this.#announce();
      return told(outcome);
    } catch (error) {
      console.warn('the switchboard could not be told of its webhooks; it is tried again', error);
      const place = this.#site?.place ?? '';
      return outcome.ok ? { ...outcome, untold: [place.split('/').at(-1) ?? ''] } : outcome;
    }
  }

  async #announce(): Promise<void> {
    const site = this.#site;
    if (!site || site.announced === 1) return;
    await this.#switchboard.tellWebhooks(site.place);
    if (this.#parts) this.ctx.storage.sql.exec('UPDATE site SET announced = 1');
  }

  /** One alarm for what is due, for what is under way in case we are evicted, and for what is kept long enough. */
  #arm(now: number): void {
    const { sending, intake, deliveries } = this.#here;
    const again = this.#site?.announced === 0 ? now + AGAIN_MS : Number.POSITIVE_INFINITY;
    this.#alarm.arm(Math.min(sending.due(now), intake.due(now), again, deliveries.due));
  }
}

type Site = { place: string; epoch: string; cursor: number; announced: number };

function told<T>(outcome: Made<T>): Outcome<T> {
  return outcome.ok ? { ...outcome, untold: [] } : outcome;
}

function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function noEndpoint(id: string) {
  return refused(404, `there is no webhook ${id}; list them to see their ids`);
}

function isDisabled(id: string) {
  return refused(409, `the webhook ${id} is disabled; enable it first`);
}
