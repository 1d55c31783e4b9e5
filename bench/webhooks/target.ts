/** A receiver as the bench has it in hand, and the webhook that goes to it. @module */
import type { EndpointView, EndpointWithSecret } from '../../shared/webhooks.ts';
import type { Tenants } from '../../test/stack/tenants.ts';
import { until } from '../until.ts';
import type { Kind } from './kinds.ts';

/** What happens is gathered for 250 ms at most before webhooks are told of it: after so many milliseconds they were. */
const HEARD_MS = 400;

/** Between two looks at how much is left, in milliseconds: looking is work for the edge too. */
const LOOK_MS = 200;

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
    if (this.#kind === 'answers') await this.#hasAll();
    else await this.#tenants.admin('PATCH', this.#webhook, { enabled: false });
  }

  /** Webhooks that have come, each as often as it did; those that wait, and the numbers that are not looked at yet. */
  async state(): Promise<{ readonly came: number; readonly waiting: number; readonly behind: number }> {
    const came = Number(await (await fetch(this.#receiver)).text());
    const { waiting, behind } = await this.#view();
    return { came, waiting, behind };
  }

  async #hasAll(): Promise<void> {
    // The webhooks hear of what happened a little after it.
    await new Promise((resume) => setTimeout(resume, HEARD_MS));
    await until('the webhooks that are answered have come', async () => {
      await new Promise((resume) => setTimeout(resume, LOOK_MS));
      const { waiting, behind } = await this.#view();
      return waiting + behind === 0;
    });
  }

  #view(): Promise<EndpointView> {
    return this.#tenants.admin<EndpointView>('GET', this.#webhook);
  }

  async #be(state: 'dead' | 'alive'): Promise<void> {
    await fetch(new URL(state, this.#receiver), { method: 'PUT' });
  }
}
