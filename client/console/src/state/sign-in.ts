/** Who is signed in: checks tokens, starts the session of one that is accepted, and ends it on every way out. @module */
import { signal } from '@preact/signals';
import { fetchMe } from './me.ts';
import { Session } from './session.ts';
import { loadToken, saveToken } from './token-storage.ts';

export type SignInState =
  | { readonly status: 'signing-in' }
  /** The edge does not answer. The page tries again. */
  | { readonly status: 'unreachable' }
  /** @param reason why the page was signed out; undefined if no token was used */
  | { readonly status: 'signed-out'; readonly reason: string | undefined }
  | { readonly status: 'signed-in'; readonly session: Session };

export const signInState = signal<SignInState>({ status: 'signing-in' });

const RETRY_INTERVAL_MS = 3_000;
const UNREACHABLE = 'The server is not responding. Try again.';

/** Incremented with each change and each attempt. The response to an earlier attempt is ignored. */
let generation = 0;

/** Signs in with the token of this tab, if it has one, and tries again while the edge does not answer. */
export async function resume(): Promise<void> {
  const token = loadToken();
  change({ status: 'signing-in' });
  const reason = await signIn(token);
  if (reason === UNREACHABLE) retryLater();
  else if (reason !== undefined) signOut(token === undefined ? undefined : reason);
}

/**
 * Signs in with a token. The page stays as it is until the edge has accepted the token.
 * @return why the token is not accepted; undefined if it is, or if something else was done in the meantime
 */
export async function signIn(token: string | undefined): Promise<string | undefined> {
  const attempt = ++generation;
  const meOrReason = await fetchMe(token).catch(() => UNREACHABLE);
  if (attempt !== generation) return undefined;
  if (typeof meOrReason === 'string') return meOrReason;
  saveToken(token);
  const session = new Session(token, meOrReason, signOut);
  change({ status: 'signed-in', session });
  session.start();
  return undefined;
}

/** Deletes the token of this tab and asks for another. */
export function signOut(reason?: string): void {
  saveToken(undefined);
  change({ status: 'signed-out', reason });
}

function retryLater(): void {
  change({ status: 'unreachable' });
  const unreachable = generation;
  setTimeout(() => {
    if (unreachable === generation) void resume();
  }, RETRY_INTERVAL_MS);
}

/** Every change of the page goes through here: no session outlives its page. */
function change(state: SignInState): void {
  generation++;
  const previous = signInState.value;
  if (previous.status === 'signed-in') previous.session.end();
  signInState.value = state;
}
