/** The whole system with a real OpenSIPS and SIP phones instead of the simulator. @module */
import type { Client } from '../harness/client.ts';
import { type AdapterProcess, startStack } from '../harness/stack.ts';
import { formatAddress, type OpenSips, type OpenSipsOptions, startOpenSips } from './opensips.ts';
import { Phone, type PhoneOptions } from './phone.ts';
import type { BehaviorName } from './phone-behavior.ts';

export interface HarnessOptions extends OpenSipsOptions {
  /** Settings of the adapter, in addition to the addresses of OpenSIPS. */
  readonly adapterEnv?: Readonly<Record<string, string>>;
}

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
  static async open(options: HarnessOptions = {}): Promise<OpenSipsHarness> {
    await using resources = new AsyncDisposableStack();
    const opensips = resources.use(await startOpenSips(options));
    const stack = resources.use(await startStack({ startsAdapter: false }));
    const adapter = await stack.startAdapter({
      OPENSIPS_MI: formatAddress(opensips.mi),
      SIP_NEXT_HOP: opensips.nextHop,
      ...options.adapterEnv,
    });
    await stack.waitForLink(true);
    const harness = new OpenSipsHarness(opensips, adapter, await stack.connectClient(), stack.port);
    harness.#resources.use(resources.move());
    return harness;
  }

  /** Opens and registers a phone with an address of its own. */
  async openPhone(
    behavior: BehaviorName = 'keep',
    options: Partial<Pick<PhoneOptions, 'user' | 'host' | 'password'>> = {},
  ): Promise<Phone> {
    this.#phoneCount += 1;
    const user = `${behavior}.${this.#phoneCount}`;
    const { sip: registrar, transport } = this.opensips;
    return this.#resources.use(await Phone.open({ user, behavior, registrar, transport, ...options }));
  }

  /** An address at which no phone is registered. */
  get unregisteredUri(): string {
    return `sip:nobody@${this.opensips.sip.host}:${this.opensips.sip.port}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}
