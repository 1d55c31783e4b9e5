/** What a socket carries through hibernation. @module */

import type { Scope } from '../../../shared/policy/policy.ts';
import type { ListPosition } from '../../../shared/protocol/dialog-list.ts';
import type { OpenSipsStatus } from '../../../shared/protocol/link.ts';
import type { Software } from '../../../shared/protocol/link-negotiation.ts';
import type { ClientConnection, Connection, HttpStream } from '../../auth/principal.ts';

/** The attachment of a client's socket. */
export interface ClientSocket {
  readonly kind: 'client';
  readonly subject: string;
  readonly session: string;
  /** The id of the API key that authenticated the client, or that issued its token. */
  readonly key: string;
  readonly scopes: readonly Scope[];
  /** The only address that may dial. */
  readonly caller?: string;
  /** When the token expires, in Unix milliseconds. */
  readonly expires?: number;
  /** The calls that the client watches. */
  readonly watches?: { readonly all: boolean; readonly callids: readonly string[] };
  /** It receives only notifications that OpenSIPS's own Call API has; absent: all of them. */
  readonly events?: 'original';
  /** It returns the tokens of `Acknowledge`, which prove what it has read. */
  readonly acknowledges?: true;
  /** It takes several notifications in a frame, as an array. */
  readonly batches?: true;
  /** For an HTTP stream, which has a session of its own. */
  readonly stream?: HttpStream;
}

/** The attachment of an adapter's socket. */
export interface AdapterSocket {
  readonly kind: 'adapter';
  readonly key: string;
  /** Unix milliseconds. */
  readonly connectedAt: number;
  /** From the `hello` message; absent before that. */
  readonly hello?: {
    readonly adapter: string;
    readonly stream: string;
    readonly software?: Software;
    /** Whether it takes messages about its role. */
    readonly takesRole?: boolean;
    /** Whether it takes requests for changes of its list of dialogs. */
    readonly takesLists?: boolean;
    /** Whether it takes which calls are waited for. */
    readonly takesInterest?: boolean;
    readonly opensips: OpenSipsStatus;
    /** Since when its OpenSIPS is reachable or not, in Unix milliseconds; absent: since `connectedAt`. */
    readonly reachableSince?: number;
  };
  /** The last message that was handled; of the adapter that serves the site, only if that had no effect that was logged. */
  readonly seq?: number;
  /** How far the changes of its list of dialogs are applied. */
  readonly list?: ListPosition;
  /** Changes of calls that are not in the log: see `calls/unlogged-changes.ts`. Kept until it is set anew. */
  readonly unlogged?: string;
}

export type Attachment = ClientSocket | AdapterSocket;

/** Returns what the socket of a client carries. */
export function attachmentFor({
  role: kind,
  since: _,
  policy: __,
  tenant: ___,
  ...rest
}: ClientConnection & Pick<Connection, 'tenant'>): ClientSocket {
  return { kind, ...rest };
}

/** A cache, because each message needs the attachment of its socket. */
const attachments = new WeakMap<WebSocket, Attachment>();

/** Returns the attachment of a socket. */
export function attachmentOf(socket: WebSocket): Attachment {
  const attachment = attachments.get(socket) ?? (socket.deserializeAttachment() as Attachment);
  attachments.set(socket, attachment);
  return attachment;
}

/** Sets the attachment of a socket. */
export function attach(socket: WebSocket, attachment: Attachment): void {
  const before = attachments.get(socket);
  const complete =
    attachment.kind === 'adapter' && before?.kind === 'adapter' && before.unlogged
      ? { unlogged: before.unlogged, ...attachment }
      : attachment;
  socket.serializeAttachment(complete);
  attachments.set(socket, complete);
}

/** Returns whether a client knows only the notifications of OpenSIPS's own Call API. */
export function wantsOriginal(socket: WebSocket): boolean {
  const client = attachmentOf(socket);
  return client.kind === 'client' && client.events === 'original';
}

/** Returns whether a client takes several notifications in a frame. */
export function takesBatches(socket: WebSocket): boolean {
  const client = attachmentOf(socket);
  return client.kind === 'client' && client.batches === true;
}

/** Returns whether a socket can send. One that was just accepted may still be connecting when its first message arrives. */
export function isLive({ readyState }: WebSocket): boolean {
  return readyState === WebSocket.CONNECTING || readyState === WebSocket.OPEN;
}
