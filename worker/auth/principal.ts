/** Who the Worker has authenticated: it passes this to the Switchboard with each socket and request. @module */
import type { Policy, Scope } from '../../shared/policy/policy.ts';

/** Is sent as JSON in the internal header `x-call-api-principal`, which only the Worker can set. */
export type Principal =
  | { readonly role: 'adapter'; readonly key: string; readonly policy: Policy }
  | {
      readonly role: 'client';
      /** `key:<id>` of an API key, `sub:<sub>` of a token. */
      readonly subject: string;
      readonly session: string;
      /** The `seq` of the last notification that the session has received; absent for none. */
      readonly since?: number;
      /** Id of the API key, or of the one that issued the token. */
      readonly key: string;
      readonly scopes: readonly Scope[];
      /** The only SIP URI that may dial, for a token that is bound to one. */
      readonly caller?: string;
      /** When the token expires, in Unix milliseconds; absent for an API key. */
      readonly expires?: number;
      /** What the socket receives, where it serves an HTTP stream that ends in the Worker. */
      readonly stream?: HttpStream;
      readonly policy: Policy;
    };

/** The notifications of all commands of the subject and of calls, or only the end of one command. */
export type HttpStream = { readonly kind: 'events' } | { readonly kind: 'command'; readonly cmdId: string };
