/** Why a Tenant or the Directory rejects a change. @module */
import { quote } from '../../shared/settings/quote.ts';
import { reject } from '../objects/outcome.ts';

export const NO_TENANT = reject(404, 'There is no such tenant. List the tenants to see their ids.');

/** The answer of the Worker to a credential that is not valid. */
export const NOT_VALID = reject(
  401,
  'Missing, invalid or expired API key or token. Send one as `Authorization: Bearer …`.',
);

export function stillErasing(name: string) {
  return reject(409, `id: ${name} is still being deleted. Try again in a minute.`);
}

export function noSite(id: string) {
  return reject(404, `There is no site ${quote(id)}. Create it first.`);
}

export function noKey(id: string) {
  return reject(404, `There is no key ${quote(id)}. List the keys to see their ids.`);
}

export function noAdministrator(name: string) {
  return reject(404, `There is no administrator ${quote(name)}. List the administrators to see their names.`);
}
