/**
 * Who the Worker has let in: what it hands to the Switchboard with a socket.
 * @module
 */
import type { Policy, Scope } from '../shared/policy.ts';

/** Stands as JSON in the header `x-call-api-caller`, which the Worker sets and nobody else can. */
export type Admitted =
  | { readonly role: 'adapter'; readonly key: string; readonly policy: Policy }
  | {
      readonly role: 'client';
      /** `key:<id>` of an API key, `sub:<sub>` of a token. */
      readonly subject: string;
      readonly session: string;
      /** The last notification that the session has got; absent where it has got none. */
      readonly since?: number;
      /** The API key, or the one that minted the token. */
      readonly key: string;
      readonly scopes: readonly Scope[];
      /** The only address that may dial, for a token bound to one. */
      readonly caller?: string;
      /** When the token expires, in Unix milliseconds; absent for an API key. */
      readonly expires?: number;
      /** What the socket is told, where it stands for a stream of HTTP that ends in the Worker. */
      readonly stream?: Stream;
      readonly policy: Policy;
    };

/** All that happens to commands of its subject and to calls; or the end of one command. */
export type Stream = { readonly of: 'events' } | { readonly of: 'command'; readonly cmdId: string };
