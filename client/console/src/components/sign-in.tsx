/** The sign-in page, and the form that takes a token. @module */
import { useSignal } from '@preact/signals';
import { isToken } from '../../../connection/token-provider.ts';
import { signIn } from '../state/sign-in.ts';

/** @param reason why the page was signed out; undefined if nobody was signed in */
export function SignInPage({ reason }: { readonly reason: string | undefined }) {
  return (
    <main class="centered">
      <section class="card welcome" aria-labelledby="welcome">
        <img src="/favicon.svg" alt="" width="44" height="44" />
        <h1 id="welcome">Call Console</h1>
        <p class="hint">
          Sign in with a token from your application’s back end. The token determines what you can see and do.
        </p>
        <TokenForm reason={reason} />
      </section>
    </main>
  );
}

const INVALID_TOKEN = 'This is not a token: it has characters that no token has. Copy it again.';

/**
 * Signs in with a token. Shows why it is not accepted; the page stays as it is until then.
 * @param reason shown until a token is entered
 */
export function TokenForm({ reason }: { readonly reason?: string | undefined }) {
  const text = useSignal('');
  const failure = useSignal(reason);
  const isPending = useSignal(false);
  const submit = async () => {
    const token = withoutInvisible(text.value);
    if (isPending.value) return;
    if (!isToken(token)) {
      failure.value = INVALID_TOKEN;
      return;
    }
    isPending.value = true;
    failure.value = await signIn(token);
    isPending.value = false;
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {failure.value !== undefined && (
        <p class="error" role="alert">
          {failure.value}
        </p>
      )}
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
      <button type="submit" class="primary" disabled={isPending.value}>
        {isPending.value ? 'Signing in…' : 'Sign in'}
      </button>
    </form>
  );
}

/** Removes white space and invisible characters, which a copied token may have at its ends or where its lines were broken. */
function withoutInvisible(text: string): string {
  return text.replaceAll(/[\s\p{Cc}\p{Cf}]/gu, '');
}
