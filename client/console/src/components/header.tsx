/** The header: tenant, site and subject, the state of the connection, and the account dialog. @module */
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { now } from '../state/clock.ts';
import type { Session } from '../state/session.ts';
import { resume, signOut } from '../state/sign-in.ts';
import { TokenForm } from './sign-in.tsx';

interface Props {
  readonly session: Session;
}

export function Header({ session }: Props) {
  const { tenant, site, subject } = session.me;
  return (
    <header class="bar">
      <h1>
        <img src="/favicon.svg" alt="" width="28" height="28" />
        Call Console
      </h1>
      <p class="tenant" title={`Tenant: ${tenant} · Site: ${site} · User: ${subject}`}>
        {[...new Set([tenant, site, subject])].join(' · ')}
      </p>
      <ConnectionIndicator session={session} />
      <AccountDialog session={session} />
    </header>
  );
}

function ConnectionIndicator({ session }: { readonly session: Session }) {
  const { tone, text, countdown, retry } = connectionStatus(session);
  return (
    <div class="connection" data-tone={tone}>
      <p role="status">
        <span class="dot" aria-hidden="true" />
        <span>
          {text}
          {/* Hidden from screen readers, which would announce each second. */}
          {countdown !== undefined && <span aria-hidden="true"> · {countdown}</span>}
        </span>
      </p>
      {retry && (
        <button type="button" class="quiet" onClick={retry}>
          Retry
        </button>
      )}
    </div>
  );
}

interface ConnectionStatus {
  readonly tone: 'good' | 'wait' | 'bad';
  readonly text: string;
  readonly countdown?: string;
  /** What the button does. Absent if there is none. */
  readonly retry?: () => void;
}

function connectionStatus(session: Session): ConnectionStatus {
  const { connectionState, isLinkUp, freshness } = session;
  const state = connectionState.value;
  switch (state.status) {
    case 'connecting':
      return { tone: 'wait', text: state.attempt === 0 ? 'Connecting…' : 'Reconnecting…' };
    case 'waiting': {
      const seconds = Math.max(1, Math.ceil((state.until - now.value) / 1_000));
      return {
        tone: 'bad',
        text: 'Connection lost',
        countdown: `retry in ${seconds} s`,
        retry: () => session.retryNow(),
      };
    }
    case 'closed':
      // A closed session stays closed: the page starts another.
      return state.reason === 'superseded'
        ? { tone: 'bad', text: 'Session opened in another window', retry: () => void resume() }
        : { tone: 'bad', text: 'Disconnected' };
    case 'open':
      break;
  }
  if (isLinkUp.value === false) return { tone: 'bad', text: 'OpenSIPS unreachable' };
  switch (freshness.value) {
    case 'loading':
    case 'stale':
      return { tone: 'wait', text: 'Syncing…' };
    case 'resumed':
      return { tone: 'good', text: 'Live · reconnected, nothing missed' };
    case 'reloaded':
      return { tone: 'good', text: 'Live · reconnected, list reloaded' };
    case 'failed':
      return { tone: 'bad', text: 'Calls not loaded', retry: () => session.watch() };
    case 'forbidden':
      return { tone: 'good', text: 'Connected' };
    case 'live':
      return { tone: 'good', text: 'Live' };
  }
}

/** Shows who is signed in, and changes or deletes the token. */
function AccountDialog({ session }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const adapter = useSignal<string | undefined>(undefined);
  const { tenant, site, subject } = session.me;
  const show = () => {
    dialog.current?.showModal();
    if (session.canRead) void session.describeAdapter().then((text) => (adapter.value = text));
  };
  return (
    <>
      <button type="button" class="quiet" aria-haspopup="dialog" onClick={show}>
        Account
      </button>
      <dialog ref={dialog} aria-labelledby="account-title">
        <h2 id="account-title">Account</h2>
        <dl class="facts">
          <div>
            <dt>Tenant</dt>
            <dd>{tenant}</dd>
          </div>
          <div>
            <dt>Site</dt>
            <dd>{site}</dd>
          </div>
          <div>
            <dt>User</dt>
            <dd>{subject}</dd>
          </div>
          {adapter.value !== undefined && (
            <div>
              <dt>Adapter</dt>
              <dd>{adapter}</dd>
            </div>
          )}
        </dl>
        <p class="hint">To get other permissions, sign in with another token.</p>
        <TokenForm />
        <div class="row">
          {session.hasToken && (
            <button type="button" class="quiet" onClick={() => signOut()}>
              Sign out
            </button>
          )}
          <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
      </dialog>
    </>
  );
}
