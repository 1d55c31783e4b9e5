/** A receiver as the bench has it in hand, and the webhook that goes to it. @module */
import type { DeliveryView, EndpointView, EndpointWithSecret } from '../../shared/webhooks.ts';
import type { Tenants } from '../../test/stack/tenants.ts';
import { until } from '../until.ts';
import type { Kind } from './kinds.ts';

/** What happens is gathered for 250 ms at most before it is handed over: where nothing has come for so long, all is. */
const HANDED_OVER_MS = 400;

export class Target {
  readonly #tenants: Tenants;
  readonly #kind: Kind;
  readonly #receiver: string;
  readonly #webhook: string;

  private constructor(tenants: Tenants, kind: Kind, receiver: string, webhook: string) {
    this.#tenants = tenants;
    this.#kind = kind;
    this.#receiver = receiver;
    this.#webhook = webhook;
  }

  /** Makes a webhook of the site that goes to the receiver at that TCP port. */
  static async make(tenants: Tenants, site: string, kind: Kind, port: number): Promise<Target> {
    const webhooks = `/tenants/t1/sites/${site}/webhooks`;
    const receiver = `http://127.0.0.1:${port}/`;
    const { id } = await tenants.admin<EndpointWithSecret>('POST', webhooks, { url: receiver });
    return new Target(tenants, kind, receiver, `${webhooks}/${id}`);
  }

  /** Its turn begins. */
  async begin(): Promise<void> {
    if (this.#kind === 'dies') await this.#be('dead');
    if (this.#kind !== 'answers') await this.#tenants.admin('PATCH', this.#webhook, { enabled: true });
  }

  /** Half of its turn is over. */
  async turn(): Promise<void> {
    if (this.#kind === 'dies') await this.#be('alive');
  }

  /** Its turn is over: it has all, or is sent nothing more until the next one. */
  async end(): Promise<void> {
    await this.#handedOver();
    if (this.#kind === 'answers')
      await until('the webhooks that are answered have come', async () => (await this.#view()).waiting === 0);
    else await this.#tenants.admin('PATCH', this.#webhook, { enabled: false });
  }

  /** Webhooks that have come, each as often as it did, and those that wait. */
  async state(): Promise<{ readonly came: number; readonly waiting: number }> {
    const came = Number(await (await fetch(this.#receiver)).text());
    return { came, waiting: (await this.#view()).waiting };
  }

  async #handedOver(): Promise<void> {
    let before = -1;
    await until('all that happened has been handed over', async () => {
      await new Promise((resume) => setTimeout(resume, HANDED_OVER_MS));
      const newest = await this.#newest();
      const settled = newest === before;
      before = newest;
      return settled;
    });
  }

  /** The number of the newest in the log. */
  async #newest(): Promise<number> {
    const { deliveries } = await this.#tenants.admin<{ deliveries: DeliveryView[] }>(
      'GET',
      `${this.#webhook}/deliveries?limit=1`,
    );
    return deliveries[0]?.n ?? 0;
  }

  #view(): Promise<EndpointView> {
    return this.#tenants.admin<EndpointView>('GET', this.#webhook);
  }

  async #be(state: 'dead' | 'alive'): Promise<void> {
    await fetch(new URL(state, this.#receiver), { method: 'PUT' });
  }
}
