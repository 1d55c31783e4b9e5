/** An OpenSIPS of a fault run, with the proxy between it and its adapters. @module */
import {
  type RecordedRequest,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../../../simulator/index.ts';
import type { Dialog } from '../../../simulator/opensips/dialog.ts';
import { Ledger } from '../../../simulator/opensips/ledger.ts';
import type { FaultLog } from '../injection/fault-log.ts';
import type { UdpFaultRates } from '../injection/fault-rates.ts';
import { UdpProxy } from '../proxies/udp-proxy.ts';
import type { SeededRandom } from './seeded-random.ts';

export interface OpenSipsNode {
  readonly simulator: Simulator;
  /** Between adapters and simulator. */
  readonly udpProxy: UdpProxy;
}

/** Starts an OpenSIPS. @param ledger has also what the other OpenSIPS of the site have done */
export async function startNode(
  ledger: Ledger,
  options: SimulatorOptions,
  faultRates: UdpFaultRates,
  random: SeededRandom,
  faultLog: FaultLog,
): Promise<OpenSipsNode> {
  const simulator = await startSimulator({ ...options, ledger: new NodeLedger(ledger) });
  return { simulator, udpProxy: await UdpProxy.start(simulator.mi.port, faultRates, random, faultLog) };
}

/** The ledger of one OpenSIPS, which records in that of all as well. */
class NodeLedger extends Ledger {
  readonly #common: Ledger;

  constructor(common: Ledger) {
    super(true);
    this.#common = common;
  }

  override addRequest(request: RecordedRequest): void {
    super.addRequest(request);
    this.#common.addRequest(request);
  }

  override addDialog(dialog: Dialog): void {
    super.addDialog(dialog);
    this.#common.addDialog(dialog);
  }
}
