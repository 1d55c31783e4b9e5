/** Which calls a list shows. Pure. @module */
import { canonicalAddress } from '../policy/canonical-address.ts';
import type { Call, CallState } from './call.ts';

export interface CallFilter {
  readonly states?: readonly CallState[] | undefined;
  /** The caller or the callee, as {@link addressOf} returns it. */
  readonly address?: string | undefined;
  /** When the call began at the earliest, in Unix milliseconds. */
  readonly since?: number | undefined;
}

/** Returns the canonical `user@host` of a SIP URI with or without its scheme; undefined if it is invalid. */
export function addressOf(text: string): string | undefined {
  return canonicalAddress(/^sips?:/i.test(text) ? text : `sip:${text}`);
}

/** Returns whether a list with this filter shows the call. */
export function matches(call: Call, { states, address, since }: CallFilter): boolean {
  if (states && !states.includes(call.state)) return false;
  if (since !== undefined && call.began < since) return false;
  return address === undefined || hasAddress(call.caller, address) || hasAddress(call.callee, address);
}

function hasAddress(uri: string | null, address: string): boolean {
  if (uri === null) return false;
  // Parsing is expensive, so a URI is skipped whose user part has only one spelling, and is another.
  const [, plainUser] = /^sips?:([A-Za-z0-9+]*)@/i.exec(uri) ?? [];
  if (plainUser !== undefined && !address.startsWith(`${plainUser}@`)) return false;
  return canonicalAddress(uri) === address;
}
