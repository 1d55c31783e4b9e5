/** The page: signs in with the token of this tab, and shows the console or the sign-in page. @module */
import { useSignal, useSignalEffect } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { CallDetails } from './components/call-details.tsx';
import { CallListView } from './components/call-list-view.tsx';
import { DialForm } from './components/dial-form.tsx';
import { Header } from './components/header.tsx';
import { SignInPage } from './components/sign-in.tsx';
import type { Session } from './state/session.ts';
import { resume, signInState, signOut } from './state/sign-in.ts';

export function App() {
  useEffect(() => void resume(), []);
  const state = signInState.value;
  switch (state.status) {
    case 'signing-in':
      return <StatusPage text="Connecting…" />;
    case 'unreachable':
      return (
        <StatusPage text="The server is not responding. Retrying…">
          <button type="button" class="quiet" onClick={() => signOut()}>
            Use another token
          </button>
        </StatusPage>
      );
    case 'signed-out':
      return <SignInPage reason={state.reason} />;
    case 'signed-in':
      return <Console session={state.session} />;
  }
}

function StatusPage({ text, children }: { readonly text: string; readonly children?: ComponentChildren }) {
  return (
    <main class="centered">
      <h1 class="visually-hidden">Call Console</h1>
      <div class="status">
        <p role="status">{text}</p>
        {children}
      </div>
    </main>
  );
}

function Console({ session }: { readonly session: Session }) {
  return (
    <>
      <Header session={session} />
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
