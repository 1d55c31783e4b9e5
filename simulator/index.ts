/**
 * An OpenSIPS stand-in on real UDP: MI and EVI as in the recorded traces, and simulated phones.
 * @module
 */
import type { RemoteInfo } from 'node:dgram';
import { dial } from './calls/dial.ts';
import { hangUp } from './calls/hang-up.ts';
import { reinviteByPhone, transferByPhone } from './calls/phone-actions.ts';
import { handleRequest, parseRequest } from './mi/json-rpc.ts';
import type { Leg } from './opensips/dialog.ts';
import { DialogTable } from './opensips/dialog-table.ts';
import { FrozenPhones } from './opensips/frozen-phones.ts';
import { Ledger } from './opensips/ledger.ts';
import type { OpenSips } from './opensips/opensips.ts';
import { crashOpenSips, restartOpenSips } from './opensips/restart.ts';
import { type EventName, Subscriptions } from './opensips/subscriptions.ts';
import { bindUdp, closeUdp } from './opensips/udp-socket.ts';
import { expandVersion } from './opensips/version.ts';
import { behaviorOf, type PhoneBehavior } from './phones/behavior.ts';
import { Clock } from './timing/clock.ts';
import { DEFAULT_TIMERS, scaleDelays, type Timers } from './timing/delays.ts';

export type { Dialog, DialogState, EndedBy, Leg } from './opensips/dialog.ts';
export { DIALOG_STATE } from './opensips/dialog.ts';
export type { Ledger, RecordedRequest } from './opensips/ledger.ts';
export { BARESIP_PHONE, KEEP_PHONE, type PhoneBehavior } from './phones/behavior.ts';
export type { SdpDirection } from './sip/sdp.ts';

/** The version with which most traces were recorded. */
const DEFAULT_VERSION = '3.6.8';

export type SimulatorOptions = {
  /** Where MI listens. The default is 127.0.0.1 and any free port. */
  readonly host?: string;
  readonly port?: number;
  /** The SIP address that it claims to have. No socket is bound to it. */
  readonly sipAddress?: string;
  /** The factor for the recorded delays: 1 by default; 0 is as fast as possible. */
  readonly delayFactor?: number;
  /** OpenSIPS's own timers, which `delayFactor` does not scale. */
  readonly timers?: Partial<Timers>;
  /** Phones that do not behave as their names say, by user part. */
  readonly phoneBehaviors?: Readonly<Record<string, PhoneBehavior>>;
  /** The uptime that it reports at the start. */
  readonly uptimeSeconds?: number;
  /** The reply of the MI command `version`, or a number: `3.4.18`, `3.6.8` (the default) or `4.0.1`. */
  readonly version?: string;
  /** Whether the script raises E_CALL_REFUSED and E_CALL_BYE: false by default. */
  readonly scriptEvents?: boolean;
  /** Whether a media relay such as rtpengine changes address and port in the SDP: false by default. */
  readonly mediaRelay?: boolean;
  /** An additional delay of every MI reply. */
  readonly replyDelayMs?: number;
  /** Whether the ledger records: true by default. Its memory is not limited. */
  readonly keepLedger?: boolean;
  /** The ledger that it records in, by default one of its own. */
  readonly ledger?: Ledger;
};

export type Simulator = {
  /** Where MI listens. */
  readonly mi: { readonly host: string; readonly port: number };
  /** The ground truth: every MI request and dialog. */
  readonly ledger: Ledger;
  /**
   * Places a call between two phones without MI. Resolves with its Call-ID when it is answered, rejects if refused.
   */
  dial(call: { from: string; to: string }): Promise<string>;
  /**
   * Lets a phone hang up a call without MI: the caller's, or the callee's where OpenSIPS is the caller. Does nothing if
   * the call is not active or the phone is frozen.
   */
  hangUp(callid: string, leg?: Leg): void;
  /**
   * Lets the phone of a leg hold the other one by a re-INVITE of its own. Returns whether the other phone accepted it.
   * Throws if the call is not answered.
   */
  hold(callid: string, leg: Leg): boolean;
  /** Undoes {@link Simulator.hold}. */
  resume(callid: string, leg: Leg): boolean;
  /**
   * Lets the phone of a leg transfer the other one to a user by a REFER of its own. Resolves with the new Call-ID when
   * the new call is answered, and rejects if there is none.
   */
  transfer(callid: string, leg: Leg, to: string): Promise<string>;
  /** Freezes the phone of a user (`bob.17` is not `bob`): from now on it sends nothing, not even responses. */
  freeze(user: string): void;
  /** Ends that. The phone then answers what OpenSIPS still waits for. */
  thaw(user: string): void;
  /**
   * Whether OpenSIPS has crashed: 3.4 and 3.6 do so when a re-INVITE of `call_hold` or `call_unhold` is not answered.
   * Then it neither replies nor raises events until it is restarted.
   */
  readonly hasCrashed: boolean;
  /** Ends OpenSIPS as a segmentation fault does. */
  crash(): void;
  /** Restarts OpenSIPS: it loses requests and subscriptions, and its dialogs too unless `keepDialogs` is set. */
  restart(options: { keepDialogs: boolean }): void;
  /**
   * Sends no replies to these MI methods from now on; null ends that. The command is not run, unless `runs` is set: then
   * only its reply is lost.
   */
  silence(methods: string | readonly string[] | null, options?: { readonly runs: boolean }): void;
  close(): Promise<void>;
};

/** Starts a simulator. Rejects if the port cannot be bound. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = '127.0.0.1', port = 0, replyDelayMs = 0 } = options;
  const subscriptions = new Subscriptions();
  let silenced: { methods: readonly string[]; runs: boolean } | undefined;

  const eventSocket = await bindUdp({ host, port: 0 }, () => {});
  const raiseEvent = (event: EventName, params: unknown) => {
    const subscribers = opensips.hasCrashed ? [] : subscriptions.subscribersOf(event);
    if (subscribers.length === 0) return;
    const datagram = JSON.stringify({ jsonrpc: '2.0', method: event, params });
    for (const subscriber of subscribers) eventSocket.send(datagram, subscriber.port, subscriber.host);
  };
  const opensips = createOpenSips(options, subscriptions, raiseEvent);

  const receive = async (datagram: string, from: RemoteInfo): Promise<void> => {
    const request = parseRequest(datagram);
    if (typeof request === 'string') return send(request, from);
    opensips.ledger.addRequest({ receivedAt: Date.now(), ...request });
    if (opensips.hasCrashed) return;
    const isSilenced = silenced?.methods.includes(request.method) ?? false;
    if (isSilenced && !silenced?.runs) return;
    const reply = await handleRequest(opensips, request);
    if (replyDelayMs > 0) await opensips.clock.timeline().wait(replyDelayMs);
    if (reply !== undefined && !isSilenced) send(reply, from);
  };
  const miSocket = await bindUdp({ host, port }, (datagram, from) => void receive(datagram, from)).catch(
    async (error: unknown) => {
      await closeUdp(eventSocket);
      throw error;
    },
  );
  const send = (datagram: string, to: RemoteInfo) => miSocket.send(datagram, to.port, to.address);

  return {
    mi: { host, port: miSocket.address().port },
    ledger: opensips.ledger,
    dial: (call) => dial(opensips, call),
    hangUp: (callid, leg) => {
      const dialog = opensips.dialogs.findActive(callid);
      if (dialog) hangUp(opensips, dialog, leg ?? (dialog.caller.user === undefined ? 'callee' : 'caller'));
    },
    hold: (callid, leg) => reinviteByPhone(opensips, { callid, leg }, 'hold'),
    resume: (callid, leg) => reinviteByPhone(opensips, { callid, leg }, 'resume'),
    transfer: (callid, leg, to) => transferByPhone(opensips, { callid, leg }, to),
    freeze: (user) => opensips.frozenPhones.freeze(user),
    thaw: (user) => opensips.frozenPhones.thaw(user),
    get hasCrashed() {
      return opensips.hasCrashed;
    },
    crash: () => crashOpenSips(opensips),
    restart: ({ keepDialogs }) => restartOpenSips(opensips, keepDialogs),
    silence: (methods, { runs } = { runs: false }) => {
      silenced = methods === null ? undefined : { methods: [methods].flat(), runs };
    },
    close: async () => {
      opensips.clock.clear();
      await Promise.all([closeUdp(miSocket), closeUdp(eventSocket)]);
    },
  };
}

function createOpenSips(
  options: SimulatorOptions,
  subscriptions: Subscriptions,
  raiseEvent: OpenSips['raiseEvent'],
): OpenSips {
  return {
    clock: new Clock(),
    delays: scaleDelays(options.delayFactor ?? 1),
    timers: { ...DEFAULT_TIMERS, ...options.timers },
    dialogs: new DialogTable(),
    subscriptions,
    ledger: options.ledger ?? new Ledger(options.keepLedger ?? true),
    sipAddress: options.sipAddress ?? '127.0.0.1:5060',
    version: expandVersion(options.version ?? DEFAULT_VERSION),
    startedAt: Date.now() - (options.uptimeSeconds ?? 0) * 1_000,
    hasCrashed: false,
    behaviorOf: (user) => behaviorOf(user, options.phoneBehaviors),
    frozenPhones: new FrozenPhones(),
    raisesScriptEvents: options.scriptEvents ?? false,
    hasMediaRelay: options.mediaRelay ?? false,
    raiseEvent,
  };
}
