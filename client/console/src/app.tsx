/** The page: signs in with the token of this tab, and shows the console or the sign-in page. @module */
import { signal, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { CallDetails } from './components/call-details.tsx';
import { CallListView } from './components/call-list-view.tsx';
import { DialForm } from './components/dial-form.tsx';
import { Header } from './components/header.tsx';
import { SignInPage } from './components/sign-in.tsx';
import { fetchMe } from './state/me.ts';
import { Session } from './state/session.ts';
import { loadToken, saveToken } from './state/token-storage.ts';

type SignInState =
  | { readonly status: 'signing-in' }
  /** The edge does not answer. The page tries again. */
  | { readonly status: 'unreachable' }
  | { readonly status: 'signed-out'; readonly reason: string; readonly hadToken: boolean }
  | { readonly status: 'signed-in'; readonly session: Session; readonly endSession: () => void };

const signInState = signal<SignInState>({ status: 'signing-in' });

const RETRY_INTERVAL_MS = 3_000;

/** Incremented with each attempt. The response to an earlier one is ignored. */
let lastAttempt = 0;

async function signIn(token: string | undefined): Promise<void> {
  const attempt = ++lastAttempt;
  if (signInState.value.status === 'signed-in') signInState.value.endSession();
  signInState.value = { status: 'signing-in' };
  try {
    const meOrReason = await fetchMe(token);
    if (attempt !== lastAttempt) return;
    if (typeof meOrReason === 'string') return signOut(token, meOrReason);
    saveToken(token);
    const session = new Session(token, meOrReason, (reason) => signOut(token, reason));
    signInState.value = { status: 'signed-in', session, endSession: session.start() };
  } catch {
    if (attempt !== lastAttempt) return;
    signInState.value = { status: 'unreachable' };
    setTimeout(() => {
      if (attempt === lastAttempt) void signIn(token);
    }, RETRY_INTERVAL_MS);
  }
}

function signOut(token: string | undefined, reason: string): void {
  saveToken(undefined);
  signInState.value = { status: 'signed-out', reason, hadToken: token !== undefined };
}

export function App() {
  useEffect(() => void signIn(loadToken()), []);
  const state = signInState.value;
  const onToken = (token: string | undefined) => void signIn(token);
  switch (state.status) {
    case 'signing-in':
      return <StatusPage text="Connecting…" />;
    case 'unreachable':
      return <StatusPage text="The server is not responding. Retrying…" />;
    case 'signed-out':
      return <SignInPage reason={state.hadToken ? state.reason : undefined} onToken={onToken} />;
    case 'signed-in':
      return <Console session={state.session} onToken={onToken} />;
  }
}

function StatusPage({ text }: { readonly text: string }) {
  return (
    <main class="centered">
      <h1 class="visually-hidden">Call Console</h1>
      <p role="status" class="status">
        {text}
      </p>
    </main>
  );
}

function Console({
  session,
  onToken,
}: {
  readonly session: Session;
  readonly onToken: (token: string | undefined) => void;
}) {
  return (
    <>
      <Header session={session} onToken={onToken} />
      <main class="console">
        <div class="side">
          <DialForm session={session} />
          <CallDetails session={session} />
        </div>
        <CallListView session={session} />
      </main>
      <Announcer session={session} />
    </>
  );
}

/** Announces changes to screen readers. */
function Announcer({ session }: { readonly session: Session }) {
  const text = useSignal('');
  useSignalEffect(() => {
    text.value = session.announcement.value;
  });
  return (
    <p class="visually-hidden" aria-live="polite">
      {text.value}
    </p>
  );
}
