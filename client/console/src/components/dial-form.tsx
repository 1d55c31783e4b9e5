/** The form that starts a call. @module */
import { useComputed, useSignal } from '@preact/signals';
import { toSipUri } from '../format/sip-address.ts';
import { isRunning } from '../state/command-progress.ts';
import type { Session } from '../state/session.ts';
import { AddressField } from './address-field.tsx';
import { isFirstClick } from './first-click.ts';

/** Phones of the simulator and of the test setup in docs/opensips.md. */
const DEMO_PARTIES = { caller: 'sip:alice@127.0.0.1:5060', callee: 'sip:bob@127.0.0.1:5060' };

export function DialForm({ session }: { readonly session: Session }) {
  const { me } = session;
  const isDemo = me.tenant === 'demo';
  const caller = useSignal(me.caller ?? (isDemo ? DEMO_PARTIES.caller : ''));
  const callee = useSignal(isDemo ? DEMO_PARTIES.callee : '');
  const params = useComputed(() => ({ caller: toSipUri(caller.value), callee: toSipUri(callee.value) }));
  const unavailableReason = useComputed(() =>
    isRunning(session.commands.value, ['CallStart'], params.value)
      ? 'This call is being set up.'
      : unavailableReasonOf(session),
  );
  return (
    <section class="card dial" aria-labelledby="dial-title">
      <h2 id="dial-title">New call</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (unavailableReason.value === undefined) session.run('CallStart', params.value);
        }}
      >
        <AddressField
          label="Caller"
          name="caller"
          placeholder="alice@example.com"
          value={caller}
          isReadOnly={me.caller !== undefined}
        />
        <AddressField label="Callee" name="callee" placeholder="bob@example.com" value={callee} />
        <button
          type="submit"
          class="primary"
          disabled={unavailableReason.value !== undefined}
          onClick={(event) => {
            if (!isFirstClick(event)) event.preventDefault();
          }}
          {...(unavailableReason.value === undefined ? {} : { 'aria-describedby': 'dial-unavailable' })}
        >
          Call
        </button>
        {unavailableReason.value === undefined ? (
          <p class="hint">The caller’s phone rings first. When it is answered, it calls the callee.</p>
        ) : (
          <p class="hint" id="dial-unavailable">
            {unavailableReason.value}
          </p>
        )}
      </form>
    </section>
  );
}

/** Returns why no call can be started at the moment; undefined if it can. */
function unavailableReasonOf(session: Session): string | undefined {
  if (!session.isAllowed('CallStart'))
    return 'Your token does not allow you to start calls. It needs the scope “CallStart”.';
  if (session.connectionState.value.status !== 'open')
    return 'You can start calls when the connection is open.';
  if (session.isLinkUp.value === false) return 'OpenSIPS is unreachable. Check that its adapter is running.';
  return undefined;
}
