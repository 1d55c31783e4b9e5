/** Click to dial. @module */
import { useComputed, useSignal } from '@preact/signals';
import { asUri, looksDialable } from './address.ts';
import type { Session } from './session.ts';

/** Phones of the simulator, or of the test set-up in docs/opensips.md: something to try at once. */
const DEMO = { caller: 'sip:alice@127.0.0.1:5060', callee: 'sip:bob@127.0.0.1:5060' };

export function DialView({ session }: { readonly session: Session }) {
  const { me } = session;
  const isDemo = me.tenant === 'demo';
  const caller = useSignal(me.caller ?? (isDemo ? DEMO.caller : ''));
  const callee = useSignal(isDemo ? DEMO.callee : '');
  const why = useComputed(() => whyNot(session));
  const isReady = looksDialable(caller.value) && looksDialable(callee.value);
  return (
    <section class="card dial" aria-labelledby="dial-title">
      <h2 id="dial-title">Dial</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (why.value === undefined && isReady)
            session.run('CallStart', { caller: asUri(caller.value), callee: asUri(callee.value) });
        }}
      >
        <label class="field">
          <span>Your phone</span>
          <input
            name="caller"
            inputMode="email"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            placeholder="alice@example.com"
            required
            readOnly={me.caller !== undefined}
            value={caller.value}
            onInput={({ currentTarget }) => {
              caller.value = currentTarget.value;
            }}
          />
        </label>
        <label class="field">
          <span>Whom to call</span>
          <input
            name="callee"
            inputMode="email"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            placeholder="bob@example.com"
            required
            value={callee.value}
            onInput={({ currentTarget }) => {
              callee.value = currentTarget.value;
            }}
          />
        </label>
        <button
          type="submit"
          class="primary"
          disabled={why.value !== undefined || !isReady}
          {...(why.value === undefined ? {} : { 'aria-describedby': 'dial-why' })}
        >
          Call
        </button>
        {why.value === undefined ? (
          <p class="hint">Your phone rings first; when you answer, it calls the other.</p>
        ) : (
          <p class="hint" id="dial-why">
            {why.value}
          </p>
        )}
      </form>
    </section>
  );
}

/** Why nobody can be called just now; undefined where they can. */
function whyNot(session: Session): string | undefined {
  if (!session.can('CallStart')) return 'This token may not dial: it lacks the scope CallStart.';
  if (session.connection.value.is !== 'open') return 'Not connected just now.';
  if (session.link.value === false) return 'OpenSIPS cannot be reached just now.';
  return undefined;
}
