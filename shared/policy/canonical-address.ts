/** Makes addresses comparable. Pure. @module */
import { normalizeHost } from '../sip/host.ts';
import { parseSipUri } from '../sip/sip-uri.ts';
import { unescapeUser, withoutSeparators } from './dialed-forms.ts';

/**
 * Returns `user@host` of a SIP URI in the form that all its spellings share: unescaped, numbers without visual separators, a
 * canonical host. Undefined if the URI is invalid.
 */
export function canonicalAddress(text: string): string | undefined {
  const uri = parseSipUri(text);
  if ('error' in uri) return undefined;
  return `${withoutSeparators(unescapeUser(uri.user ?? ''))}@${normalizeHost(uri.host)}`;
}
