/** The token of this tab: it ends with the tab, and no other page of the browser sees it. @module */

const KEY = 'call-api-token';

export function keptToken(): string | undefined {
  return sessionStorage.getItem(KEY) ?? undefined;
}

/** Undefined forgets it. */
export function keepToken(token: string | undefined): void {
  if (token === undefined) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, token);
}
