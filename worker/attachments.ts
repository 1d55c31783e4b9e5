/** What a socket carries through the object's sleep. @module */
import type { OpenSips } from '../shared/link.ts';
import type { Scope } from '../shared/policy.ts';
import type { Stream } from './admitted.ts';

/** A client's socket. */
export interface ClientSocket {
  readonly kind: 'client';
  readonly subject: string;
  readonly session: string;
  /** The API key that it came in with, or that minted its token. */
  readonly key: string;
  readonly scopes: readonly Scope[];
  /** The only address that may dial. */
  readonly caller?: string;
  /** When its token expires, in Unix milliseconds. */
  readonly expires?: number;
  /** The calls that it watches. */
  readonly watches?: { readonly all: boolean; readonly callids: readonly string[] };
  /** Of a stream over HTTP, which belongs to no session. */
  readonly stream?: Stream;
}

/** An adapter's socket. */
export interface AdapterSocket {
  readonly kind: 'adapter';
  readonly key: string;
  /** When it was accepted, in Unix milliseconds. */
  readonly since: number;
  /** From its `hello`; absent before. */
  readonly hello?: { readonly adapter: string; readonly stream: string; readonly opensips: OpenSips };
  /** Applied so far, where the log does not say so because nothing came of it. */
  readonly seq?: number;
}

export type Attachment = ClientSocket | AdapterSocket;

/** Those read or written since the object woke up: each message asks for its socket's. */
const known = new WeakMap<WebSocket, Attachment>();

/** Reads what {@link attach} has left. */
export function attachmentOf(socket: WebSocket): Attachment {
  const attachment = known.get(socket) ?? (socket.deserializeAttachment() as Attachment);
  known.set(socket, attachment);
  return attachment;
}

/** Leaves it on the socket. */
export function attach(socket: WebSocket, attachment: Attachment): void {
  socket.serializeAttachment(attachment);
  known.set(socket, attachment);
}

/**
 * Is it open, as far as we know? One that was just accepted may still be connecting when its first message comes, and
 * takes what is sent all the same.
 */
export function isLive({ readyState }: WebSocket): boolean {
  return readyState === WebSocket.CONNECTING || readyState === WebSocket.OPEN;
}
