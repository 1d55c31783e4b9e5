/** Decides whether a client may run a request. This is the only place where that is decided. Pure. @module */
import { isDestinationAllowed } from '../../../shared/policy/destinations.ts';
import type { Rules, Scope } from '../../../shared/policy/policy.ts';
import type { CallCommand } from '../../../shared/protocol/rpc/commands.ts';
import { showValue } from '../../../shared/protocol/validation/validate.ts';
import { areSipUrisEqual } from '../../../shared/sip/sip-uri.ts';

/** The permissions of a client. */
export interface Permissions {
  readonly scopes: readonly Scope[];
  /** The only address that may dial. The client then sees and controls only its own calls. */
  readonly caller?: string;
}

type Params = Readonly<Record<string, unknown>>;

/** Params with an address that will be dialed. */
const DIALED_PARAMS = ['caller', 'callee', 'destination'];
/** Params with the Call-ID of a call. */
const CALL_ID_PARAMS = ['callid', 'callidA', 'callidB'];

/** Returns why a request may not be run, for its client to read; undefined if it may. The params must be valid. */
export function rejectReason(
  method: CallCommand,
  params: Params,
  { scopes, caller }: Permissions,
  rules: readonly Rules[],
): string | undefined {
  if (!scopes.includes(method)) return missingScope(method, scopes);
  if (method === 'CallStart' && caller !== undefined && !areSipUrisEqual(String(params['caller']), caller))
    return `caller: ${showValue(params['caller'])} is not allowed. This token may call only from ${caller}.`;
  const forbidden = DIALED_PARAMS.find((name) => {
    const uri = params[name];
    return typeof uri === 'string' && !isDestinationAllowed(uri, rules);
  });
  return (
    forbidden &&
    `${forbidden}: ${showValue(params[forbidden])} is not allowed by the dialing rules of this tenant or site. Use another address, or ask an administrator to change the rules.`
  );
}

/** Returns why a client may not read calls; undefined if it may. */
export function readRejectReason({ scopes }: Permissions): string | undefined {
  return scopes.includes('read') ? undefined : missingScope('read', scopes);
}

function missingScope(scope: Scope, scopes: readonly Scope[]): string {
  return `The scope ${scope} is missing. Use an API key or a token that has it. Yours has ${scopes.length === 0 ? 'no scopes' : scopes.join(', ')}.`;
}

/**
 * Returns the params that a command is run with. If the client is bound to an address, the Call-ID of a call of others is replaced
 * by one that no call has. So OpenSIPS answers as it does for calls that do not exist, as late and in the same words.
 *
 * @param randomCallid makes a Call-ID
 */
export function withOwnCallsOnly(
  params: Params,
  { caller }: Permissions,
  isOwn: (callid: string) => boolean,
  randomCallid: () => string,
): Params {
  if (caller === undefined) return params;
  const hidden = CALL_ID_PARAMS.filter((name) => typeof params[name] === 'string' && !isOwn(params[name]));
  return { ...params, ...Object.fromEntries(hidden.map((name) => [name, randomCallid()])) };
}
