/** Decides which URLs an administrator may let the edge dial. @module */
import type { LinkSetting } from '../../../shared/policy/link-setting.ts';
import { problemResponse } from '../../errors/problem.ts';
import { type AdapterNetworks, unsafeUrlReason } from '../../objects/adapter-networks.ts';

/** Returns the response to a setting whose URL must not be dialed; undefined if it may. */
export function rejectUnsafeLink(
  link: LinkSetting | undefined,
  networks: Env & AdapterNetworks,
): Response | undefined {
  if (link?.mode !== 'dial') return undefined;
  const reason = unsafeUrlReason(link.url, networks);
  return reason === undefined ? undefined : problemResponse(400, `link.url: ${reason}`);
}
