/** Stores the token in this browser tab: it is deleted with the tab, and no other page can read it. @module */

const KEY = 'call-api-token';

export function loadToken(): string | undefined {
  return sessionStorage.getItem(KEY) ?? undefined;
}

/** Stores the token; undefined deletes it. */
export function saveToken(token: string | undefined): void {
  if (token === undefined) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, token);
}
