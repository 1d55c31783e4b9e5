/** The header: tenant, site and subject, the state of the connection, and the token dialog. @module */
import { useRef } from 'preact/hooks';
import { now } from '../state/clock.ts';
import type { Session } from '../state/session.ts';
import { TokenForm } from './sign-in.tsx';

interface Props {
  readonly session: Session;
  readonly onToken: (token: string | undefined) => void;
}

export function Header({ session, onToken }: Props) {
  const { tenant, site, subject } = session.me;
  return (
    <header class="bar">
      <h1>
        <img src="/favicon.svg" alt="" width="28" height="28" />
        Calls
      </h1>
      <p class="tenant" title={`Tenant ${tenant}, site ${site}`}>
        {[...new Set([tenant, site, subject])].join(' · ')}
      </p>
      <ConnectionIndicator session={session} />
      <TokenDialog onToken={onToken} subject={subject} />
    </header>
  );
}

function ConnectionIndicator({ session }: { readonly session: Session }) {
  const { tone, text, isRetryable } = connectionStatus(session);
  return (
    <div class="connection" data-tone={tone}>
      <p role="status">
        <span class="dot" aria-hidden="true" />
        {text}
      </p>
      {isRetryable && (
        <button type="button" class="quiet" onClick={() => session.retryNow()}>
          Try now
        </button>
      )}
    </div>
  );
}

interface ConnectionStatus {
  readonly tone: 'good' | 'wait' | 'bad';
  readonly text: string;
  readonly isRetryable?: boolean;
}

function connectionStatus({ connectionState, isLinkUp, freshness }: Session): ConnectionStatus {
  const state = connectionState.value;
  switch (state.status) {
    case 'connecting':
      return { tone: 'wait', text: state.attempt === 0 ? 'Connecting…' : 'Connecting again…' };
    case 'waiting': {
      const seconds = Math.max(1, Math.ceil((state.until - now.value) / 1_000));
      return { tone: 'bad', text: `Connection lost · next try in ${seconds} s`, isRetryable: true };
    }
    case 'closed':
      return {
        tone: 'bad',
        text: state.reason === 'superseded' ? 'Another window has taken this session' : 'Disconnected',
        isRetryable: state.reason === 'superseded',
      };
    case 'open':
      break;
  }
  if (isLinkUp.value === false) return { tone: 'bad', text: 'OpenSIPS cannot be reached' };
  switch (freshness.value) {
    case 'loading':
    case 'stale':
      return { tone: 'wait', text: 'Catching up…' };
    case 'resumed':
      return { tone: 'good', text: 'Live · back, nothing was missed' };
    case 'reloaded':
      return { tone: 'good', text: 'Live · back, the list was read anew' };
    case 'forbidden':
      return { tone: 'good', text: 'Connected' };
    case 'live':
      return { tone: 'good', text: 'Live' };
  }
}

function TokenDialog({ onToken, subject }: { readonly onToken: Props['onToken']; readonly subject: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <>
      <button type="button" class="quiet token-button" onClick={() => dialog.current?.showModal()}>
        Token
      </button>
      <dialog ref={dialog} aria-labelledby="token-title">
        <h2 id="token-title">Token</h2>
        <p class="hint">You are here as “{subject}”. Another token brings other rights.</p>
        <TokenForm
          onToken={(token) => {
            dialog.current?.close();
            onToken(token);
          }}
        />
        <div class="row">
          <button
            type="button"
            class="quiet"
            onClick={() => {
              dialog.current?.close();
              onToken(undefined);
            }}
          >
            Forget the token
          </button>
          <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
      </dialog>
    </>
  );
}
