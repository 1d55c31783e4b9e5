/**
 * The commands: what each takes, what is told of it, and what comes of it. Written out, so that whoever has this client
 * needs nothing else; `commands.test.ts` holds them equal to the schemas of `shared/`.
 * @module
 */
import type { Fields, RpcFailure } from './frames.ts';

/** One side of a call. */
export type Leg = 'caller' | 'callee';

/** Plain JSON of your own, up to 2,048 bytes: it stays with the calls that a command makes or acts on. */
export type Metadata = Fields;

interface Common {
  readonly metadata?: Metadata | undefined;
}

/** Whom to call. Addresses are SIP URIs, such as `sip:alice@example.com`. */
export interface CallStartParams extends Common {
  /** Whose phone rings first. */
  readonly caller: string;
  readonly callee: string;
  /** Seconds that the caller's phone may ring: 5 to 180, 60 where not given. */
  readonly timeout?: number | undefined;
  /** The name that the caller's phone shows: 1 to 64 characters. */
  readonly display?: string | undefined;
  /** Asks the caller's phone to answer by itself. */
  readonly auto_answer?: boolean | undefined;
  /** Up to 10 headers of your own for the caller's phone, all `X-…`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface CallEndParams extends Common {
  /** Of a call; or the `cmd_id` of a CallStart, running or not. */
  readonly callid: string;
}

export interface CallHoldParams extends Common {
  readonly callid: string;
  /** That one alone; it needs OpenSIPS 4.0. */
  readonly leg?: Leg | undefined;
}

export interface CallBlindTransferParams extends Common {
  readonly callid: string;
  /** Who is sent away. */
  readonly leg: Leg;
  readonly destination: string;
}

/** Connects a leg of one call with a leg of another. */
export interface CallAttendedTransferParams extends Common {
  readonly callidA: string;
  readonly legA: Leg;
  readonly callidB: string;
  readonly legB: Leg;
  readonly destination?: string | undefined;
}

/** The edge has taken the command; told first. It has no number, for it is the answer itself. */
export interface Started {
  readonly event: 'Started';
  readonly data?: undefined;
  readonly seq?: undefined;
}

/** What is told of a command. `seq` rises within the site. */
export interface Told<Event extends string, Data = undefined> {
  readonly event: Event;
  readonly data: Data;
  readonly seq: number;
  readonly metadata?: Metadata;
}

/** It has failed; `data` is a sentence. `Ended` follows. */
export interface Failed extends Told<'Error', string> {
  readonly error: CommandFailure;
}

/** Why a command failed. */
export interface CommandFailure extends RpcFailure {
  /** How a phone or a proxy refused. */
  readonly sip?: SipStatus;
  /** OpenSIPS's own error, where it is none of SIP's. */
  readonly opensips?: { readonly code: number; readonly message: string };
}

/** RFC 3261 §7.2. */
export interface SipStatus {
  readonly status: number;
  readonly reason: string;
}

type Always = Started | Failed | Told<'Ended'>;

interface Parties {
  readonly caller: string;
  readonly callee: string;
}
/** `callid` is the call's that is meant. */
interface Made extends Parties {
  readonly callid: string;
}
interface Transferred {
  readonly callid: string;
  /** As OpenSIPS looked it up. */
  readonly destination: string;
}
interface OfLeg {
  readonly leg: Leg;
}
/** The line of SIP's status that the phone has sent, such as `180 Ringing`. */
interface Pending {
  readonly extra: string;
}

type TransferEvent =
  | Told<'TransferStart', Transferred>
  | Told<'TransferPending', Transferred & Pending>
  | Told<'TransferSuccessful', Transferred>;

/** Each command by its name: params, events in the order in which they come, and what it resolves with. */
export interface Commands {
  CallStart: {
    readonly params: CallStartParams;
    readonly event:
      | Always
      | Told<'CallerRinging' | 'CallerAnswered', Parties>
      | Told<'Transferring', { readonly caller: string; readonly destination: string }>
      | Told<'TransferStart' | 'CalleeAnswered', Made>
      | Told<'TransferPending', Made & Pending>;
    readonly result: Made;
  };
  CallEnd: {
    readonly params: CallEndParams;
    readonly event: Always;
    readonly result: { readonly callid: string };
  };
  CallHold: {
    readonly params: CallHoldParams;
    readonly event:
      | Always
      | Told<'CallHolding'>
      | Told<'CallHoldStart' | 'CallHoldSuccessful' | 'CallHoldFailed', OfLeg>;
    readonly result: { readonly callid: string };
  };
  CallUnhold: {
    readonly params: CallHoldParams;
    readonly event:
      | Always
      | Told<'CallUnholding'>
      | Told<'CallUnholdStart' | 'CallUnholdSuccessful' | 'CallUnholdFailed', OfLeg>;
    readonly result: { readonly callid: string };
  };
  CallBlindTransfer: {
    readonly params: CallBlindTransferParams;
    readonly event: Always | Told<'Transferring', { readonly destination: string }> | TransferEvent;
    readonly result: Transferred;
  };
  CallAttendedTransfer: {
    readonly params: CallAttendedTransferParams;
    readonly event: Always | Told<'Transferring'> | TransferEvent;
    readonly result: Transferred;
  };
  Echo: {
    readonly params: Fields;
    readonly event: Always | Told<'Reply', Fields>;
    readonly result: Fields;
  };
}

export type Method = keyof Commands;
export type Params<M extends Method> = Commands[M]['params'];
/** What is told of a command, told apart by `event`. A newer edge may tell what is not listed: let it pass. */
export type CommandEvent<M extends Method> = Commands[M]['event'];
/** What a command resolves with. */
export type Result<M extends Method> = Commands[M]['result'];
