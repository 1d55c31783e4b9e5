/** The whole system with a real OpenSIPS and SIP phones instead of the simulator. @module */
import type { Client } from '../harness/client.ts';
import { type AdapterProcess, startStack } from '../harness/stack.ts';
import { type OpenSips, startOpenSips } from './opensips.ts';
import { Phone } from './phone.ts';
import type { BehaviorName } from './phone-behavior.ts';

export class OpenSipsHarness implements AsyncDisposable {
  readonly opensips: OpenSips;
  readonly adapter: AdapterProcess;
  readonly client: Client;
  /** TCP port of the edge. */
  readonly port: number;
  readonly #resources = new AsyncDisposableStack();
  #phoneCount = 0;

  private constructor(opensips: OpenSips, adapter: AdapterProcess, client: Client, port: number) {
    this.opensips = opensips;
    this.adapter = adapter;
    this.client = client;
    this.port = port;
  }

  /** Starts the system. Resolves when the adapter has connected OpenSIPS to the edge. */
  static async open(): Promise<OpenSipsHarness> {
    await using resources = new AsyncDisposableStack();
    const opensips = resources.use(await startOpenSips());
    const stack = resources.use(await startStack({ startsAdapter: false }));
    const adapter = await stack.startAdapter({
      OPENSIPS_MI: `${opensips.mi.host}:${opensips.mi.port}`,
      SIP_NEXT_HOP: `sip:${opensips.sip.host}:${opensips.sip.port}`,
    });
    await stack.waitForLink(true);
    const harness = new OpenSipsHarness(opensips, adapter, await stack.connectClient(), stack.port);
    harness.#resources.use(resources.move());
    return harness;
  }

  /** Opens and registers a phone with an address of its own. */
  async openPhone(behavior: BehaviorName = 'keep'): Promise<Phone> {
    this.#phoneCount += 1;
    const user = `${behavior}.${this.#phoneCount}`;
    return this.#resources.use(await Phone.open(user, behavior, this.opensips.sip));
  }

  /** An address at which no phone is registered. */
  get unregisteredUri(): string {
    return `sip:nobody@${this.opensips.sip.host}:${this.opensips.sip.port}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}
