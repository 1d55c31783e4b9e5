/** The page: who is there decides what it shows. @module */
import { signal, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { BoardView } from './board-view.tsx';
import { CallView } from './call-view.tsx';
import { DialView } from './dial-view.tsx';
import { whoAmI } from './edge.ts';
import { Header } from './header.tsx';
import { Session } from './session.ts';
import { keepToken, keptToken } from './token.ts';
import { TokenView } from './token-view.tsx';

type Door =
  | { readonly is: 'knocking' }
  /** Nobody answers; it is tried again. */
  | { readonly is: 'silent' }
  | { readonly is: 'shut'; readonly reason: string; readonly hadToken: boolean }
  | { readonly is: 'open'; readonly session: Session; readonly leave: () => void };

const door = signal<Door>({ is: 'knocking' });

/** Milliseconds between two attempts to reach an edge that does not answer at all. */
const KNOCK_AGAIN_MS = 3_000;

/** Rises with each: an answer to an earlier one is void. */
let knocks = 0;

async function knock(token: string | undefined): Promise<void> {
  const mine = ++knocks;
  if (door.value.is === 'open') door.value.leave();
  door.value = { is: 'knocking' };
  try {
    const answer = await whoAmI(token);
    if (mine !== knocks) return;
    if (typeof answer === 'string') return shut(token, answer);
    keepToken(token);
    const session = new Session(token, answer, (reason) => shut(token, reason));
    door.value = { is: 'open', session, leave: session.begin() };
  } catch {
    if (mine !== knocks) return;
    door.value = { is: 'silent' };
    setTimeout(() => {
      if (mine === knocks) void knock(token);
    }, KNOCK_AGAIN_MS);
  }
}

function shut(token: string | undefined, reason: string): void {
  keepToken(undefined);
  door.value = { is: 'shut', reason, hadToken: token !== undefined };
}

export function App() {
  useEffect(() => void knock(keptToken()), []);
  const state = door.value;
  switch (state.is) {
    case 'knocking':
      return <Waiting text="Connecting…" />;
    case 'silent':
      return <Waiting text="The server does not answer. Trying again…" />;
    case 'shut':
      return (
        <TokenView
          reason={state.hadToken ? state.reason : undefined}
          onToken={(token) => void knock(token)}
        />
      );
    case 'open':
      return <Console session={state.session} onToken={(token) => void knock(token)} />;
  }
}

function Waiting({ text }: { readonly text: string }) {
  return (
    <main class="lone">
      <h1 class="visually-hidden">Calls</h1>
      <p role="status" class="waiting">
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
          <DialView session={session} />
          <CallView session={session} />
        </div>
        <BoardView session={session} />
      </main>
      <Announcer session={session} />
    </>
  );
}

/** Read aloud where somebody listens instead of looking. */
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
