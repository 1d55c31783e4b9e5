/**
 * An OpenSIPS stand-in on real UDP: MI and EVI as the recorded traces have them, and phones with manners.
 * @module
 */
import type { RemoteInfo } from 'node:dgram';
import { Clock } from './clock.ts';
import { dial } from './dial.ts';
import { DialogTable } from './dialog-table.ts';
import { scaledGaps, TIMERS, type Timers } from './gaps.ts';
import { Ledger } from './ledger.ts';
import { type Manner, mannerOf } from './manners.ts';
import { answer, parseRequest } from './mi/answer.ts';
import { endDialog, type Opensips } from './opensips.ts';
import { restart } from './restart.ts';
import { type EventName, Subscriptions } from './subscriptions.ts';
import { bindUdp, closeUdp } from './udp.ts';

export type { Dialog, EndedBy, Leg, State } from './dialog.ts';
export { STATE } from './dialog.ts';
export type { Ledger, Request } from './ledger.ts';
export { BARESIP, KEEP, type Manner } from './manners.ts';

export type SimulatorOptions = {
  /** Where MI listens: 127.0.0.1, and any free port, by default. */
  readonly host?: string;
  readonly port?: number;
  /** The SIP address that it pretends to have; nothing is bound there. */
  readonly sip?: string;
  /** What the recorded pauses are multiplied by: 1 by default; 0 is as fast as possible. */
  readonly gaps?: number;
  /** OpenSIPS's own timers in milliseconds; they are not scaled by `gaps`. */
  readonly timers?: Partial<Timers>;
  /** Phones that behave otherwise than their names say. */
  readonly manners?: Readonly<Record<string, Manner>>;
  /** For how long it pretends to have been up. */
  readonly uptimeSeconds?: number;
  readonly version?: string;
  /** Milliseconds that every MI reply comes later than recorded. */
  readonly replyDelay?: number;
  /** Whether the ledger is kept: true by default. It grows for ever. */
  readonly keepLedger?: boolean;
};

export type Simulator = {
  /** Where MI listens. */
  readonly mi: { readonly host: string; readonly port: number };
  /** What truly happened. */
  readonly ledger: Ledger;
  /** Begins and answers a call between two phones, outside MI. Resolves with its Call-ID, rejects when it is refused. */
  dial(call: { from: string; to: string }): Promise<string>;
  /** A phone hangs a call up, outside MI. One that does not stand stays as it is. */
  hangUp(callid: string): void;
  /** OpenSIPS restarts: requests are forgotten, subscriptions gone, and dialogs too unless a database keeps those that stand. */
  restart(options: { keepDialogs: boolean }): void;
  /** MI requests of this method get no answer from now on: not run at all, or run and the reply lost. Null ends it. */
  silence(method: string | null, options?: { readonly runs: boolean }): void;
  close(): Promise<void>;
};

/** Rejects where the port cannot be bound. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = '127.0.0.1', port = 0, replyDelay = 0 } = options;
  const subscriptions = new Subscriptions();
  let silenced: { method: string; runs: boolean } | undefined;

  const eviSocket = await bindUdp({ host, port: 0 }, () => {});
  const raise = (event: EventName, params: unknown) => {
    const subscribers = subscriptions.of(event);
    if (subscribers.length === 0) return;
    const datagram = JSON.stringify({ jsonrpc: '2.0', method: event, params });
    for (const subscriber of subscribers) eviSocket.send(datagram, subscriber.port, subscriber.host);
  };
  const opensips = createOpensips(options, subscriptions, raise);

  const receive = async (datagram: string, from: RemoteInfo): Promise<void> => {
    const request = parseRequest(datagram);
    if (typeof request === 'string') return send(request, from);
    opensips.ledger.addRequest({ at: Date.now(), ...request });
    const silent = silenced?.method === request.method;
    if (silent && !silenced?.runs) return;
    const reply = await answer(opensips, request);
    if (replyDelay > 0) await opensips.clock.timeline().pass(replyDelay);
    if (reply !== undefined && !silent) send(reply, from);
  };
  const miSocket = await bindUdp({ host, port }, (datagram, from) => void receive(datagram, from)).catch(
    async (error: unknown) => {
      await closeUdp(eviSocket);
      throw error;
    },
  );
  const send = (datagram: string, to: RemoteInfo) => miSocket.send(datagram, to.port, to.address);

  return {
    mi: { host, port: miSocket.address().port },
    ledger: opensips.ledger,
    dial: (call) => dial(opensips, call),
    hangUp: (callid) => {
      const dialog = opensips.dialogs.alive(callid);
      if (dialog) endDialog(opensips, dialog, `phone ${dialog.caller.user ?? ''}`, 'BYE');
    },
    restart: ({ keepDialogs }) => restart(opensips, keepDialogs),
    silence: (method, { runs } = { runs: false }) => {
      silenced = method === null ? undefined : { method, runs };
    },
    close: async () => {
      opensips.clock.clear();
      await Promise.all([closeUdp(miSocket), closeUdp(eviSocket)]);
    },
  };
}

function createOpensips(
  options: SimulatorOptions,
  subscriptions: Subscriptions,
  raise: Opensips['raise'],
): Opensips {
  return {
    clock: new Clock(),
    gaps: scaledGaps(options.gaps ?? 1),
    timers: { ...TIMERS, ...options.timers },
    dialogs: new DialogTable(),
    subscriptions,
    ledger: new Ledger(options.keepLedger ?? true),
    sip: options.sip ?? '127.0.0.1:5060',
    version: options.version ?? 'OpenSIPS (3.6.8 (x86_64/linux))',
    upSince: Date.now() - (options.uptimeSeconds ?? 0) * 1_000,
    mannerOf: (user) => mannerOf(user, options.manners),
    raise,
  };
}
