/** The form that starts a call. @module */
import { useComputed, useSignal } from '@preact/signals';
import { isDialable, toSipUri } from '../format/sip-address.ts';
import type { Session } from '../state/session.ts';

/** Phones of the simulator and of the test setup in docs/opensips.md. */
const DEMO_PARTIES = { caller: 'sip:alice@127.0.0.1:5060', callee: 'sip:bob@127.0.0.1:5060' };

export function DialForm({ session }: { readonly session: Session }) {
  const { me } = session;
  const isDemo = me.tenant === 'demo';
  const caller = useSignal(me.caller ?? (isDemo ? DEMO_PARTIES.caller : ''));
  const callee = useSignal(isDemo ? DEMO_PARTIES.callee : '');
  const obstacle = useComputed(() => obstacleTo(session));
  const isReady = isDialable(caller.value) && isDialable(callee.value);
  return (
    <section class="card dial" aria-labelledby="dial-title">
      <h2 id="dial-title">Dial</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (obstacle.value === undefined && isReady)
            session.run('CallStart', { caller: toSipUri(caller.value), callee: toSipUri(callee.value) });
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
          disabled={obstacle.value !== undefined || !isReady}
          {...(obstacle.value === undefined ? {} : { 'aria-describedby': 'dial-obstacle' })}
        >
          Call
        </button>
        {obstacle.value === undefined ? (
          <p class="hint">Your phone rings first; when you answer, it calls the other.</p>
        ) : (
          <p class="hint" id="dial-obstacle">
            {obstacle.value}
          </p>
        )}
      </form>
    </section>
  );
}

/** Returns why no call can be started at the moment; undefined if it can. */
function obstacleTo(session: Session): string | undefined {
  if (!session.isAllowed('CallStart')) return 'This token may not dial: it lacks the scope CallStart.';
  if (session.connectionState.value.status !== 'open') return 'Not connected just now.';
  if (session.isLinkUp.value === false) return 'OpenSIPS cannot be reached just now.';
  return undefined;
}
