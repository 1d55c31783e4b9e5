/** The buttons that control a call. A button that cannot be used is shown disabled, with the missing scopes. @module */
import type { Call } from '../../../connection/call.ts';
import { type CommandName, type CommandRun, hasEnded, isRunning } from '../state/command-progress.ts';
import type { Session } from '../state/session.ts';
import { isFirstClick } from './first-click.ts';

interface Props {
  readonly session: Session;
  readonly call: Call | undefined;
  readonly start: CommandRun | undefined;
  readonly isTransferring: boolean;
  readonly onTransfer: () => void;
}

export function CallControls({ session, call, start, isTransferring, onTransfer }: Props) {
  const isConnected = session.connectionState.value.status === 'open' && session.isLinkUp.value !== false;
  const isStarting = start !== undefined && !hasEnded(start);
  const state = call?.state;
  const isEstablished = state === 'answered' || state === 'held';
  const canEnd = isStarting || (state !== undefined && state !== 'ended');
  const callid = call?.callid;
  const isPending = (name: 'callid' | 'callidA', ...methods: CommandName[]) =>
    callid !== undefined && isRunning(session.commands.value, methods, { [name]: callid });
  const isChanging =
    isPending('callid', 'CallHold', 'CallUnhold', 'CallBlindTransfer') ||
    isPending('callidA', 'CallAttendedTransfer');
  const isAllowed = (...methods: CommandName[]) => methods.some((method) => session.isAllowed(method));
  const missing = missingScopes(session);
  const isHeld = state === 'held';
  const holdMethod: CommandName = isHeld ? 'CallUnhold' : 'CallHold';
  // The `cmd_id` of the CallStart ends a call that is not established yet.
  const callidToEnd = isStarting ? start.cmdId : callid;
  const isEnding = [callid, start?.cmdId].some(
    (id) => id !== undefined && isRunning(session.commands.value, ['CallEnd'], { callid: id }),
  );
  if (state === 'ended' && !isStarting) return null;
  return (
    <>
      <fieldset class="controls">
        <legend class="visually-hidden">Call controls</legend>
        <button
          type="button"
          disabled={!(isConnected && isEstablished && !isChanging && isAllowed(holdMethod))}
          onClick={(event) => isFirstClick(event) && call && session.run(holdMethod, { callid: call.callid })}
        >
          {isHeld ? 'Resume' : 'Hold'}
        </button>
        <button
          type="button"
          aria-expanded={isTransferring}
          disabled={
            !(
              isConnected &&
              isEstablished &&
              !isChanging &&
              isAllowed('CallBlindTransfer', 'CallAttendedTransfer')
            )
          }
          onClick={onTransfer}
        >
          Transfer…
        </button>
        <button
          type="button"
          class="end"
          disabled={!(isConnected && canEnd && !isEnding && isAllowed('CallEnd'))}
          onClick={(event) =>
            isFirstClick(event) &&
            callidToEnd !== undefined &&
            session.run('CallEnd', { callid: callidToEnd })
          }
        >
          End
        </button>
      </fieldset>
      {!session.canRead && (
        <p class="hint">
          Your token does not include the scope read, so this page shows only what you do here, not what the
          parties do.
        </p>
      )}
      {missing.length > 0 && (
        <p class="hint">
          Your token does not include {missing.length === 1 ? 'the scope' : 'the scopes'} {missing.join(', ')}
          .
        </p>
      )}
    </>
  );
}

const CONTROL_METHODS: readonly CommandName[] = [
  'CallHold',
  'CallUnhold',
  'CallBlindTransfer',
  'CallAttendedTransfer',
  'CallEnd',
];

function missingScopes(session: Session): CommandName[] {
  return CONTROL_METHODS.filter((method) => !session.isAllowed(method));
}
