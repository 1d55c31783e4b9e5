/** Who the Worker has authenticated, and how it connects. @module */
import type { Policy, Scope } from '../../shared/policy/policy.ts';

/** The adapter of a site. */
export interface AdapterPrincipal {
  readonly role: 'adapter';
  /** Id of the API key. */
  readonly key: string;
  readonly policy: Policy;
}

/** An adapter's connection: a WebSocket, or a single HTTP request. */
export interface AdapterConnection extends AdapterPrincipal {
  /** It is the request of an adapter that wants to be dialed: see `http/knock.ts`. */
  readonly knocks?: true;
}

/** A client, authenticated by an API key or a token. */
export interface ClientPrincipal {
  readonly role: 'client';
  /** `key:<id>` of an API key, `sub:<sub>` of a token. */
  readonly subject: string;
  /** Id of the API key, or of the one that issued the token. */
  readonly key: string;
  readonly scopes: readonly Scope[];
  /** The only SIP URI that may dial, for a token that is bound to one. */
  readonly caller?: string;
  /** When the token expires, in Unix milliseconds; absent for an API key. */
  readonly expires?: number;
  readonly policy: Policy;
}

/** A client's connection: a WebSocket, an HTTP stream that ends in the Worker, or a single HTTP request. */
export interface ClientConnection extends ClientPrincipal {
  readonly session: string;
  /** The `seq` of the last notification that the session has received; absent for none. */
  readonly since?: number;
  /** It receives only notifications that OpenSIPS's own Call API has; absent: all of them. */
  readonly events?: 'original';
  /** It returns the tokens of `Acknowledge`, which prove what it has read. */
  readonly acknowledges?: true;
  /** It takes several notifications in a frame, as an array. */
  readonly batches?: true;
  /** What an HTTP stream receives; absent for a WebSocket. */
  readonly stream?: HttpStream;
}

/** What the Worker passes to the Switchboard as JSON in the internal header `x-call-api-connection`, which only it can set. */
export type Connection = (AdapterConnection | ClientConnection) & {
  /** The tenant of the site; set by the Worker for every socket. */
  readonly tenant?: string;
};

/** The notifications of all commands of the subject and of calls, or only the end of one command. */
export type HttpStream = { readonly kind: 'events' } | { readonly kind: 'command'; readonly cmdId: string };
