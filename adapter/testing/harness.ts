/**
 * A harness for tests of the whole adapter: a fake edge, a fake OpenSIPS and the adapter's log.
 * @module
 */
import { Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { ALLOWED_MI_COMMANDS } from '../../shared/opensips/mi.ts';
import { type Adapter, type Dependencies, startAdapter } from '../adapter.ts';
import type { ListenSettings } from '../listener/listener-settings.ts';
import { createLog } from '../log.ts';
import { DIRECT_NETWORK } from '../network/network.ts';
import type { Settings } from '../settings.ts';
import { ChangeEmitter } from './change-emitter.ts';
import { FakeDialer, PUBLIC_URL } from './fake-dialer.ts';
import { FakeEdge } from './fake-edge.ts';
import { FakeOpenSips } from './fake-opensips.ts';

/** With characters that are escaped in JSON. */
export const ADAPTER_KEY = 'k3y-"that\\nobody-sees';

/** Any free port. */
const LISTEN: ListenSettings = {
  address: { host: '127.0.0.1', port: 0 },
  publicUrl: PUBLIC_URL,
  key: { id: 'demo-adapter', tenant: 'demo', secret: ADAPTER_KEY },
  tls: undefined,
  readTls: () => ({ tls: undefined }),
};

const SHORT_TIMING = {
  knockIntervalMs: 5,
  minReconnectDelayMs: 1,
  maxReconnectDelayMs: 20,
  checkIntervalMs: 10,
  recheckIntervalMs: 10,
  ownRequestTimeoutMs: 200,
  stableAfterMs: 0,
};

class LogLines extends ChangeEmitter {
  readonly lines: string[] = [];
  readonly stream = new Writable({
    write: (chunk, _encoding, done) => {
      this.lines.push(String(chunk));
      this.emitChange();
      done();
    },
  });

  /** Returns the first line that contains the text. */
  find(text: string): string | undefined {
    return this.lines.find((line) => line.includes(text));
  }
}

/** Who opens the sockets of the link: the adapter (`accept`, seen from the edge), or the edge. */
export const LINK_MODES = ['accept', 'dial'] as const;
export type LinkMode = (typeof LINK_MODES)[number];

export interface Harness {
  readonly edge: FakeEdge;
  readonly opensips: FakeOpenSips;
  readonly log: LogLines;
  /** Starts an adapter between the two. */
  start(settings?: Partial<Settings>, dependencies?: Partial<Dependencies>): Adapter;
}

/** Creates a harness. Everything in it is stopped when the test has finished. */
export async function createHarness(mode: LinkMode = 'accept'): Promise<Harness> {
  if (mode === 'dial') return createDialHarness();
  const edge = await FakeEdge.start();
  onTestFinished(() => edge.stop());
  return createHarnessWith(edge, undefined);
}

export interface DialHarness extends Harness {
  readonly dialer: FakeDialer;
  /** Returns the address of the adapter that was started last, once it listens. */
  listenAddress(): Promise<string>;
}

/**
 * Creates a harness whose edge dials, also by hand: see {@link FakeDialer}.
 * @param isKeeping whether it dials again whenever a link has ended
 */
export async function createDialHarness(isKeeping = true): Promise<DialHarness> {
  const edge = await FakeEdge.start();
  onTestFinished(() => edge.stop());
  const dialer = await FakeDialer.attach(edge);
  dialer.isKeeping = isKeeping;
  const harness = await createHarnessWith(edge, dialer);
  return { ...harness, dialer, listenAddress: () => nextListenAddress(harness.log, 1) };
}

async function createHarnessWith(edge: FakeEdge, dialer: FakeDialer | undefined): Promise<Harness> {
  if (dialer) onTestFinished(() => dialer.stop());
  const opensips = await FakeOpenSips.start();
  onTestFinished(() => opensips.stop());
  const log = new LogLines();
  let startCount = 0;
  return {
    edge,
    opensips,
    log,
    start(settings = {}, { timing = {}, ...dependencies } = {}) {
      const adapter = startAdapter(
        {
          opensips: opensips.address,
          edge: edge.url,
          key: ADAPTER_KEY,
          sipNextHop: 'sip:127.0.0.1:5060',
          name: 'test',
          events: undefined,
          allow: new Set(ALLOWED_MI_COMMANDS),
          buffer: 1_000,
          subscription: 120,
          engine: 'auto',
          frTimeoutMs: 30_000,
          matching: { mode: 'param', param: 'osid' },
          setUpFrom: 'callee',
          transport: undefined,
          logLevel: 'trace',
          network: DIRECT_NETWORK,
          listen: dialer && LISTEN,
          check: false,
          ...settings,
        },
        createLog('trace', [ADAPTER_KEY], log.stream),
        { timing: { ...SHORT_TIMING, ...timing }, ...dependencies },
      );
      onTestFinished(() => adapter.stop());
      startCount += 1;
      if (dialer) void nextListenAddress(log, startCount).then((address) => dialer.keepDialing(address));
      return adapter;
    },
  };
}

/** Returns where the adapter listens that was started as the `count`th one. */
function nextListenAddress(log: LogLines, count: number): Promise<string> {
  return log.waitFor(() => {
    const line = log.lines.filter((each) => each.includes('Listening for the edge'))[count - 1];
    return line === undefined ? undefined : (JSON.parse(line) as { readonly listen: string }).listen;
  });
}

/** Returns the params of E_DLG_STATE_CHANGED for a dialog that starts to ring. */
export const ringingDialog = (callid: string) => ({ id: '1.2', callid, old_state: 1, new_state: 2 });

/** Returns the Call-IDs of the dialog events that the edge has stored, in order. */
export const storedCallids = (edge: FakeEdge) =>
  edge.stored.flatMap((message) =>
    message.type === 'event' && message.name === 'E_DLG_STATE_CHANGED' ? [message.params.callid] : [],
  );
