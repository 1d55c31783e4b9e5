/** Who may do what: the one place where it is decided whether a request may be run. Pure. @module */
import { mayDial } from '../shared/destinations.ts';
import type { Method } from '../shared/methods.ts';
import type { Rules, Scope } from '../shared/policy.ts';
import { sameSipUri } from '../shared/sip-uri.ts';

/** What the one who asks may do. */
export interface Rights {
  readonly scopes: readonly Scope[];
  /** The only address that may dial, and then its own calls are the only ones that exist. */
  readonly caller?: string;
}

type Params = Readonly<Record<string, unknown>>;

/** Params that hold an address that will be dialled. */
const DIALLED = ['caller', 'callee', 'destination'];
/** Params that name a call. */
const NAMING = ['callid', 'callidA', 'callidB'];

/** Why a request may not be run, for its client to read; undefined where it may. Its params have been checked. */
export function refusalOf(
  method: Method,
  params: Params,
  { scopes, caller }: Rights,
  rules: readonly Rules[],
): string | undefined {
  if (method === 'Echo') return undefined;
  if (!scopes.includes(method))
    return `the scope ${method} is missing: use a key or a token that has it; yours has ${scopes.join(', ') || 'none'}`;
  if (method === 'CallStart' && caller !== undefined && !sameSipUri(String(params['caller']), caller))
    return `caller: this token may dial from ${caller} only`;
  const forbidden = DIALLED.find((name) => {
    const uri = params[name];
    return typeof uri === 'string' && !mayDial(uri, rules);
  });
  return forbidden && `${forbidden}: the rules of this tenant or site do not let calls go there`;
}

/** Why one may not read which calls there are; undefined where it may. */
export function unreadable({ scopes }: Rights): string | undefined {
  if (scopes.includes('read')) return undefined;
  return `the scope read is missing: use a key or a token that has it; yours has ${scopes.join(', ') || 'none'}`;
}

/**
 * What a command is started with: for one who is bound to an address, a call that is not its own gets a Call-ID that
 * nobody has. So OpenSIPS itself answers what it answers for calls that do not exist, as late and in the same words.
 *
 * @param random makes a Call-ID
 */
export function withOwnCallsOnly(
  method: Method,
  params: Params,
  { caller }: Rights,
  isOwn: (callid: string) => boolean,
  random: () => string,
): Params {
  if (caller === undefined || method === 'Echo') return params;
  const hidden = NAMING.filter((name) => typeof params[name] === 'string' && !isOwn(params[name]));
  return { ...params, ...Object.fromEntries(hidden.map((name) => [name, random()])) };
}
