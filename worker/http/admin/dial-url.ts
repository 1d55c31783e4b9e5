/** Decides which URLs an administrator may let the edge dial. @module */
import { dialUrls, type LinkSetting } from '../../../shared/policy/link-setting.ts';
import { problemResponse } from '../../errors/problem.ts';
import { type AdapterNetworks, unsafeUrlReason } from '../../objects/adapter-networks.ts';

/** Returns the response to a setting whose URL must not be dialed; undefined if it may. */
export function rejectUnsafeLink(
  link: LinkSetting | undefined,
  networks: Env & AdapterNetworks,
): Response | undefined {
  if (link?.mode !== 'dial') return undefined;
  for (const url of dialUrls(link)) {
    const reason = unsafeUrlReason(url, networks);
    const name = url === link.url ? 'link.url' : 'link.more_urls';
    if (reason !== undefined) return problemResponse(400, `${name}: ${reason}`);
  }
  return undefined;
}
