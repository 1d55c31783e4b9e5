/** What can be done with a call. What cannot is there all the same, and says why. @module */
import type { Call } from '../../watching.ts';
import { type Activity, type Command, isOver } from './activity.ts';
import type { Session } from './session.ts';

interface Props {
  readonly session: Session;
  readonly call: Call | undefined;
  readonly dial: Activity | undefined;
  readonly isTransferring: boolean;
  readonly onTransfer: () => void;
}

export function Controls({ session, call, dial, isTransferring, onTransfer }: Props) {
  const isConnected = session.connection.value.is === 'open' && session.link.value !== false;
  const isDialling = dial !== undefined && !isOver(dial);
  const state = call?.state;
  const isStanding = state === 'answered' || state === 'held';
  const canEnd = isDialling || (state !== undefined && state !== 'ended');
  const may = (...methods: Command[]) => methods.some((method) => session.can(method));
  const missing = missingScopes(session);
  const isHeld = state === 'held';
  const holding: Command = isHeld ? 'CallUnhold' : 'CallHold';
  // The command's own id ends a call that is still being made.
  const named = isDialling ? dial.cmdId : call?.callid;
  if (state === 'ended' && !isDialling) return null;
  return (
    <>
      <fieldset class="controls">
        <legend class="visually-hidden">What to do with this call</legend>
        <button
          type="button"
          disabled={!(isConnected && isStanding && may(holding))}
          onClick={() => call && session.run(holding, { callid: call.callid })}
        >
          {isHeld ? 'Resume' : 'Hold'}
        </button>
        <button
          type="button"
          aria-expanded={isTransferring}
          disabled={!(isConnected && isStanding && may('CallBlindTransfer', 'CallAttendedTransfer'))}
          onClick={onTransfer}
        >
          Transfer…
        </button>
        <button
          type="button"
          class="end"
          disabled={!(isConnected && canEnd && may('CallEnd'))}
          onClick={() => named !== undefined && session.run('CallEnd', { callid: named })}
        >
          End
        </button>
      </fieldset>
      {missing !== '' && <p class="hint">This token lacks the scopes {missing}.</p>}
    </>
  );
}

const STEERING: readonly Command[] = [
  'CallHold',
  'CallUnhold',
  'CallBlindTransfer',
  'CallAttendedTransfer',
  'CallEnd',
];

function missingScopes(session: Session): string {
  return STEERING.filter((method) => !session.can(method)).join(', ');
}
