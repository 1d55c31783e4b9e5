/** The sign-in page, and the form that takes a token. @module */
import { useSignal } from '@preact/signals';

interface Props {
  readonly onToken: (token: string) => void;
}

export function SignInPage({ onToken, reason }: Props & { readonly reason: string | undefined }) {
  return (
    <main class="centered">
      <section class="card welcome" aria-labelledby="welcome">
        <img src="/favicon.svg" alt="" width="44" height="44" />
        <h1 id="welcome">Call Console</h1>
        <p class="hint">
          Sign in with a token from your application’s back end. The token determines what you can see and do.
        </p>
        {reason !== undefined && (
          <p class="error" role="alert">
            {reason}
          </p>
        )}
        <TokenForm onToken={onToken} />
      </section>
    </main>
  );
}

export function TokenForm({ onToken }: Props) {
  const text = useSignal('');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const token = text.value.trim();
        if (token !== '') onToken(token);
      }}
    >
      <label class="field">
        <span>Token</span>
        <input
          type="password"
          autocomplete="off"
          spellcheck={false}
          required
          value={text.value}
          onInput={({ currentTarget }) => {
            text.value = currentTarget.value;
          }}
        />
      </label>
      <p class="hint">Stored in this tab until you close it.</p>
      <button type="submit" class="primary">
        Sign in
      </button>
    </form>
  );
}
