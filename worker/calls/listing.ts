/** Which calls a client asks for, and pages of them. Pure. @module */
import type { Call, CallState } from '../../shared/calls.ts';
import { parseSipUri } from '../../shared/sip-uri.ts';
import type { Kept } from './kept.ts';

export interface Filter {
  readonly states?: readonly CallState[] | undefined;
  /** As {@link addressOf} gives it. */
  readonly address?: string | undefined;
  /** Unix milliseconds. */
  readonly since?: number | undefined;
  /** Only those of this subject. */
  readonly owner?: string | undefined;
}

export interface Page {
  readonly calls: readonly Call[];
  /** Where the next page goes on; absent where there is none. */
  readonly cursor?: string;
}

/** The newest first. `order` is by their first change; a page goes on below `cursor`. */
export function page(order: readonly Kept[], filter: Filter, limit: number, cursor?: string): Page {
  const calls: Call[] = [];
  let last = 0;
  for (let at = cursor === undefined ? order.length : below(order, Number(cursor)); at > 0; at--) {
    const kept = order[at - 1];
    if (!kept || !matches(kept, filter)) continue;
    if (calls.length === limit) return { calls, cursor: String(last) };
    calls.push(kept.call);
    last = kept.first;
  }
  return { calls };
}

/** `user@host` of a SIP URI, or of what is written so; undefined where it is neither. The host is in lower case. */
export function addressOf(text: string): string | undefined {
  const uri = parseSipUri(/^sips?:/i.test(text) ? text : `sip:${text}`);
  return 'refused' in uri ? undefined : `${uri.user ?? ''}@${uri.host}`;
}

function matches({ call, owner }: Kept, filter: Filter): boolean {
  if (filter.owner !== undefined && owner !== filter.owner) return false;
  if (filter.states && !filter.states.includes(call.state)) return false;
  if (filter.since !== undefined && call.began < filter.since) return false;
  const { address } = filter;
  return address === undefined || isAt(call.caller, address) || isAt(call.callee, address);
}

function isAt(uri: string | null, address: string): boolean {
  // Taking a URI apart costs more than most calls are worth: one without that user is passed over before.
  if (!uri?.includes(address.slice(0, address.lastIndexOf('@')))) return false;
  return addressOf(uri) === address;
}

/** How many stand before that number. */
function below(order: readonly Kept[], first: number): number {
  let [low, high] = [0, order.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((order[middle]?.first ?? 0) < first) low = middle + 1;
    else high = middle;
  }
  return low;
}
