/**
 * The types of the commands: the params, events and result of each. They are written out so that the package has no
 * dependencies; `command-types.test.ts` checks that they equal the schemas in `shared/`.
 * @module
 */
import type { Leg, Metadata } from '../connection/call.ts';
import type { JsonObject, RpcError } from '../connection/messages.ts';

interface CommonParams {
  readonly metadata?: Metadata | undefined;
}

/** Addresses are SIP URIs, such as `sip:alice@example.com`. */
export interface CallStartParams extends CommonParams {
  /** The party whose phone rings first. */
  readonly caller: string;
  readonly callee: string;
  /** Seconds that the caller's phone may ring: 5 to 180; 60 if omitted. */
  readonly timeout?: number | undefined;
  /** The name that the caller's phone shows: 1 to 64 characters. */
  readonly display?: string | undefined;
  /** Asks the caller's phone to answer automatically. */
  readonly auto_answer?: boolean | undefined;
  /** Up to 10 headers of your own for the caller's phone, all `X-…`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface CallEndParams extends CommonParams {
  /** The Call-ID of a call, or the `cmd_id` of a CallStart, running or ended. */
  readonly callid: string;
}

export interface CallHoldParams extends CommonParams {
  readonly callid: string;
  /** Only this leg; both if omitted. Needs OpenSIPS 4.0. */
  readonly leg?: Leg | undefined;
}

export interface CallBlindTransferParams extends CommonParams {
  readonly callid: string;
  /** The party that is transferred. */
  readonly leg: Leg;
  readonly destination: string;
}

/** Connects a leg of one call with a leg of another. */
export interface CallAttendedTransferParams extends CommonParams {
  readonly callidA: string;
  readonly legA: Leg;
  readonly callidB: string;
  readonly legB: Leg;
  readonly destination?: string | undefined;
}

/** The edge has accepted the command. The first event. It has no `seq`, because it is the response to the request. */
export interface StartedEvent {
  readonly event: 'Started';
  readonly data?: undefined;
  readonly seq?: undefined;
}

/** An event that a notification carries. `seq` increases within the site. */
export interface NumberedEvent<Name extends string, Data = undefined> {
  readonly event: Name;
  readonly data: Data;
  readonly seq: number;
  readonly metadata?: Metadata;
}

/** An event of an Echo, which is not stored: it has no `seq`. */
export interface EchoEvent<Name extends string, Data = undefined> {
  readonly event: Name;
  readonly data: Data;
  readonly seq?: undefined;
}

/** The command has failed. `data` is a sentence. `Ended` follows. */
export interface ErrorEvent extends NumberedEvent<'Error', string> {
  readonly error: CommandFailure;
}

/** Why a command failed. */
export interface CommandFailure extends RpcError {
  /** The SIP status with which a phone or a proxy refused. */
  readonly sip?: SipStatus;
  /** The error of OpenSIPS itself, if it is not a SIP status. */
  readonly opensips?: { readonly code: number; readonly message: string };
}

/** A SIP response status (RFC 3261 §7.2). */
export interface SipStatus {
  readonly status: number;
  readonly reason: string;
}

type LifecycleEvent = StartedEvent | ErrorEvent | NumberedEvent<'Ended'>;

interface Parties {
  readonly caller: string;
  readonly callee: string;
}
/** `callid` is the call between the two parties. */
interface EstablishedCall extends Parties {
  readonly callid: string;
}
interface TransferDetails {
  readonly callid: string;
  /** The address as OpenSIPS resolved it. */
  readonly destination: string;
}
interface LegDetails {
  readonly leg: Leg;
}
interface SipProgress {
  /** The SIP status line that the phone has sent, such as `180 Ringing`. */
  readonly extra: string;
}

type TransferEvent =
  | NumberedEvent<'TransferStart', TransferDetails>
  | NumberedEvent<'TransferPending', TransferDetails & SipProgress>
  | NumberedEvent<'TransferSuccessful', TransferDetails>;

/** All commands by name, with their params, their events in order, and their result. */
export interface Commands {
  CallStart: {
    readonly params: CallStartParams;
    readonly event:
      | LifecycleEvent
      | NumberedEvent<'CallerRinging' | 'CallerAnswered', Parties>
      | NumberedEvent<'Transferring', { readonly caller: string; readonly destination: string }>
      | NumberedEvent<'TransferStart' | 'CalleeAnswered', EstablishedCall>
      | NumberedEvent<'TransferPending', EstablishedCall & SipProgress>;
    readonly result: EstablishedCall;
  };
  CallEnd: {
    readonly params: CallEndParams;
    readonly event: LifecycleEvent;
    readonly result: { readonly callid: string };
  };
  CallHold: {
    readonly params: CallHoldParams;
    readonly event:
      | LifecycleEvent
      | NumberedEvent<'CallHolding'>
      | NumberedEvent<'CallHoldStart' | 'CallHoldSuccessful' | 'CallHoldFailed', LegDetails>;
    readonly result: { readonly callid: string };
  };
  CallUnhold: {
    readonly params: CallHoldParams;
    readonly event:
      | LifecycleEvent
      | NumberedEvent<'CallUnholding'>
      | NumberedEvent<'CallUnholdStart' | 'CallUnholdSuccessful' | 'CallUnholdFailed', LegDetails>;
    readonly result: { readonly callid: string };
  };
  CallBlindTransfer: {
    readonly params: CallBlindTransferParams;
    readonly event:
      | LifecycleEvent
      | NumberedEvent<'Transferring', { readonly destination: string }>
      | TransferEvent;
    readonly result: TransferDetails;
  };
  CallAttendedTransfer: {
    readonly params: CallAttendedTransferParams;
    readonly event: LifecycleEvent | NumberedEvent<'Transferring'> | TransferEvent;
    readonly result: TransferDetails;
  };
  Echo: {
    readonly params: JsonObject;
    readonly event: StartedEvent | EchoEvent<'Reply', JsonObject> | EchoEvent<'Ended'>;
    readonly result: JsonObject;
  };
}

export type Method = keyof Commands;
export type Params<M extends Method> = Commands[M]['params'];
/** An event of a command. `event` tells them apart. Ignore events that are not listed: a newer edge may send some. */
export type CommandEvent<M extends Method> = Commands[M]['event'];
/** What `ended` of a command resolves with. */
export type Result<M extends Method> = Commands[M]['result'];
