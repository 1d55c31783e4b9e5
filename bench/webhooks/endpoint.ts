/** A webhook endpoint of a measured site, and control of the receiver that it points to. @module */
import type { EndpointView, EndpointWithSecret } from '../../shared/protocol/webhooks/endpoints.ts';
import type { MultiTenantStack } from '../../test/harness/multi-tenant-stack.ts';
import { waitUntil } from '../wait-until.ts';
import type { ReceiverKind } from './receiver-kinds.ts';

/** The Switchboard notifies the webhooks object after 250 ms at most. After this time it certainly has. */
const NOTIFIED_AFTER_MS = 400;

/** Polling costs the edge processor time too. */
const POLL_INTERVAL_MS = 200;

export interface EndpointState {
  /** Webhooks received, retries included. */
  readonly received: number;
  /** Deliveries that wait. */
  readonly waiting: number;
  /** Log positions that have not been read. */
  readonly behind: number;
}

export class BenchmarkEndpoint {
  readonly #stack: MultiTenantStack;
  readonly #kind: ReceiverKind;
  readonly #receiverUrl: string;
  readonly #adminPath: string;

  private constructor(stack: MultiTenantStack, kind: ReceiverKind, receiverUrl: string, adminPath: string) {
    this.#stack = stack;
    this.#kind = kind;
    this.#receiverUrl = receiverUrl;
    this.#adminPath = adminPath;
  }

  /** Creates an endpoint of the site that points to the receiver at a TCP port. */
  static async create(
    stack: MultiTenantStack,
    site: string,
    kind: ReceiverKind,
    port: number,
  ): Promise<BenchmarkEndpoint> {
    const collection = `/tenants/t1/sites/${site}/webhooks`;
    const receiverUrl = `http://127.0.0.1:${port}/`;
    const { id } = await stack.adminRequest<EndpointWithSecret>('POST', collection, { url: receiverUrl });
    return new BenchmarkEndpoint(stack, kind, receiverUrl, `${collection}/${id}`);
  }

  /** Called before the site's run. */
  async onRunStart(): Promise<void> {
    if (this.#kind === 'restarting') await this.#switchReceiver('down');
    if (this.#kind !== 'fast') await this.#stack.adminRequest('PATCH', this.#adminPath, { enabled: true });
  }

  /** Called halfway through the site's run. */
  async onRunHalfway(): Promise<void> {
    if (this.#kind === 'restarting') await this.#switchReceiver('up');
  }

  /** Called after the site's run. Resolves when all webhooks are delivered, or the endpoint is disabled until the next run. */
  async onRunEnd(): Promise<void> {
    if (this.#kind === 'fast') await this.#waitUntilDelivered();
    else await this.#stack.adminRequest('PATCH', this.#adminPath, { enabled: false });
  }

  async state(): Promise<EndpointState> {
    const received = Number(await (await fetch(this.#receiverUrl)).text());
    const { waiting, behind } = await this.#view();
    return { received, waiting, behind };
  }

  async #waitUntilDelivered(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, NOTIFIED_AFTER_MS));
    await waitUntil('all webhooks are delivered', async () => {
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
      const { waiting, behind } = await this.#view();
      return waiting + behind === 0;
    });
  }

  #view(): Promise<EndpointView> {
    return this.#stack.adminRequest<EndpointView>('GET', this.#adminPath);
  }

  async #switchReceiver(state: 'down' | 'up'): Promise<void> {
    await fetch(new URL(state, this.#receiverUrl), { method: 'PUT' });
  }
}
