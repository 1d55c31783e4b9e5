/** Which calls a list shows. Pure. @module */
import { parseSipUri } from '../sip/sip-uri.ts';
import type { Call, CallState } from './call.ts';

export interface CallFilter {
  readonly states?: readonly CallState[] | undefined;
  /** The caller or the callee, as {@link addressOf} returns it. */
  readonly address?: string | undefined;
  /** When the call began at the earliest, in Unix milliseconds. */
  readonly since?: number | undefined;
}

/** Returns `user@host`, the host in lower case, of a SIP URI with or without its scheme; undefined if it is invalid. */
export function addressOf(text: string): string | undefined {
  const uri = parseSipUri(/^sips?:/i.test(text) ? text : `sip:${text}`);
  return 'error' in uri ? undefined : `${uri.user ?? ''}@${uri.host}`;
}

/** Returns whether a list with this filter shows the call. */
export function matches(call: Call, { states, address, since }: CallFilter): boolean {
  if (states && !states.includes(call.state)) return false;
  if (since !== undefined && call.began < since) return false;
  return address === undefined || hasAddress(call.caller, address) || hasAddress(call.callee, address);
}

function hasAddress(uri: string | null, address: string): boolean {
  // Parsing is expensive, so a URI that does not contain the user part is skipped first.
  if (!uri?.includes(address.slice(0, address.lastIndexOf('@')))) return false;
  return addressOf(uri) === address;
}
