/** The whole system with a real OpenSIPS and SIP phones in the place of the simulator. @module */
import type { Client } from '../stack/client.ts';
import { type Adapter, startStack } from '../stack/stack.ts';
import type { Manner } from './manners.ts';
import { type OpenSips, startOpenSips } from './opensips.ts';
import { Phone } from './phone.ts';

export class World implements AsyncDisposable {
  readonly opensips: OpenSips;
  readonly adapter: Adapter;
  readonly client: Client;
  /** TCP port of the edge. */
  readonly port: number;
  readonly #rest = new AsyncDisposableStack();
  #phones = 0;

  private constructor(opensips: OpenSips, adapter: Adapter, client: Client, port: number) {
    this.opensips = opensips;
    this.adapter = adapter;
    this.client = client;
    this.port = port;
  }

  /** Starts all of it; resolves when the adapter has connected OpenSIPS to the edge. */
  static async open(): Promise<World> {
    await using rest = new AsyncDisposableStack();
    const opensips = rest.use(await startOpenSips());
    const stack = rest.use(await startStack({ adapter: false }));
    const adapter = await stack.startAdapter({
      OPENSIPS_MI: `${opensips.mi.host}:${opensips.mi.port}`,
      SIP_NEXT_HOP: `sip:${opensips.sip.host}:${opensips.sip.port}`,
    });
    await stack.linked(true);
    const world = new World(opensips, adapter, await stack.client(), stack.port);
    world.#rest.use(rest.move());
    return world;
  }

  /** A phone with an address of its own, registered. */
  async phone(manner: Manner = 'keep'): Promise<Phone> {
    this.#phones += 1;
    return this.#rest.use(await Phone.open(`${manner}.${this.#phones}`, manner, this.opensips.sip));
  }

  /** An address at which nobody has registered. */
  get nobody(): string {
    return `sip:nobody@${this.opensips.sip.host}:${this.opensips.sip.port}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#rest.disposeAsync();
  }
}
