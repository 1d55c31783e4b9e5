/**
 * A harness for tests of the whole adapter: a fake edge, a fake OpenSIPS and the adapter's log.
 * @module
 */
import { Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { ALLOWED_MI_COMMANDS } from '../../shared/opensips/mi.ts';
import { type Adapter, type Dependencies, startAdapter } from '../adapter.ts';
import { createLog } from '../log.ts';
import { DIRECT_NETWORK } from '../network/network.ts';
import type { Settings } from '../settings.ts';
import { ChangeEmitter } from './change-emitter.ts';
import { FakeEdge } from './fake-edge.ts';
import { FakeOpenSips } from './fake-opensips.ts';

/** With characters that are escaped in JSON. */
export const ADAPTER_KEY = 'k3y-"that\\nobody-sees';

const SHORT_TIMING = {
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

export interface Harness {
  readonly edge: FakeEdge;
  readonly opensips: FakeOpenSips;
  readonly log: LogLines;
  /** Starts an adapter between the two. */
  start(settings?: Partial<Settings>, dependencies?: Partial<Dependencies>): Adapter;
}

/** Creates a harness. Everything in it is stopped when the test has finished. */
export async function createHarness(): Promise<Harness> {
  const edge = await FakeEdge.start();
  onTestFinished(() => edge.stop());
  const opensips = await FakeOpenSips.start();
  onTestFinished(() => opensips.stop());
  const log = new LogLines();
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
          check: false,
          ...settings,
        },
        createLog('trace', [ADAPTER_KEY], log.stream),
        { timing: { ...SHORT_TIMING, ...timing }, ...dependencies },
      );
      onTestFinished(() => adapter.stop());
      return adapter;
    },
  };
}

/** Returns the params of E_DLG_STATE_CHANGED for a dialog that starts to ring. */
export const ringingDialog = (callid: string) => ({ id: '1.2', callid, old_state: 1, new_state: 2 });

/** Returns the Call-IDs of the dialog events that the edge has stored, in order. */
export const storedCallids = (edge: FakeEdge) =>
  edge.stored.flatMap((message) =>
    message.type === 'event' && message.name === 'E_DLG_STATE_CHANGED' ? [message.params.callid] : [],
  );
