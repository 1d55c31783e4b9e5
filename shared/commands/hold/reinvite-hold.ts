/**
 * Holds and unholds by a re-INVITE to each phone. Both are sent at once. If one fails, the other leg is put back, so that the call is
 * as before.
 * @module
 */

import { dialogState, type Leg } from '../../opensips/evi.ts';
import { InDialogResult } from '../../opensips/in-dialog.ts';
import type { MiError } from '../../opensips/mi.ts';
import { errorCode } from '../../protocol/rpc/jsonrpc.ts';
import type { CommandMachine, CommandState, Input, StepResult } from '../command.ts';
import { copyJson } from '../copy-json.ts';
import { ACK_TIMEOUT_MS, GLARE_DELAY_MS, IN_DIALOG_MARGIN_MS, MAX_READY_ATTEMPTS } from '../deadlines.ts';
import { type Failure, miFailure, noReplyFailure, sipFailure, unknownFailure } from '../failures.ts';
import { StepActions } from '../step-actions.ts';
import { callEndedFailure, directions, type HoldAction, type HoldParams } from './directions.ts';

/**
 * What is known of a leg. `changed`: its re-INVITE has succeeded. `restoring`: it is being put back, because the other one failed.
 * `stuck`: it could not be put back, so it stays changed. `unconfirmed`: no response tells whether it was put back; it counts as
 * changed, so that the opposite command can still put it back.
 */
interface LegProgress {
  phase: 'requested' | 'changed' | 'restoring' | 'restored' | 'stuck' | 'unconfirmed' | 'failed';
  /** The phone's final response, if it has refused. */
  status?: string;
  /** Why there is none. */
  failure?: Failure;
  /** How often the request came too early: before the ACK, or across a re-INVITE of the phone. */
  attempts: number;
}

export interface ReinviteState extends CommandState {
  readonly engine: 'reinvite';
  readonly callid: string;
  /** For the reply to a re-INVITE, in milliseconds. */
  readonly timeoutMs: number;
  /** The client has been notified of the start. */
  isStartReported: boolean;
  readonly legs: Partial<Record<Leg, LegProgress>>;
  hasCallEnded: boolean;
}

/** Hold starts with the caller, unhold with the callee, as in callops. */
const LEG_ORDER: Readonly<Record<HoldAction, readonly Leg[]>> = {
  hold: ['caller', 'callee'],
  unhold: ['callee', 'caller'],
};

/** The error of callops if no leg changes, which upstream's clients know. */
const ALREADY_DONE: Readonly<Record<HoldAction, MiError>> = {
  hold: { code: 480, message: 'Both dialog legs are on hold' },
  unhold: { code: 480, message: 'No dialog legs on hold' },
};

/** The adapter's error before the ACK of a call that was just answered. */
const NOT_READY = 410;
/** A phone's response to a re-INVITE that has crossed its own (RFC 3261 §14.2). */
const GLARE = /^491\b/;

/** Returns whether the phone has accepted the re-INVITE. */
function isSuccess(input: Input): boolean {
  const result = InDialogResult.safeParse(input.type === 'mi-result' ? input.result : undefined);
  return result.success && result.data.status.startsWith('2');
}

/** Returns the phase of a leg after the reply to the re-INVITE that was to put it back. */
function phaseAfterRestoring(input: Input): LegProgress['phase'] {
  if (isSuccess(input)) return 'restored';
  return input.type === 'mi-no-reply' && input.execution === 'unknown' ? 'unconfirmed' : 'stuck';
}

/** Returns the machine that holds or unholds by re-INVITE. */
export function reinviteHold(action: HoldAction): CommandMachine<HoldParams, ReinviteState> {
  const { request, opposite, prefix } = directions[action];

  return {
    start({ callid, leg }, { features, heldLegs, isAnswered }) {
      const actions = new StepActions();
      const held = heldLegs(callid);
      // OpenSIPS decides on a call of which nothing is known, which may have ended.
      const mayChange = (each: Leg) => held?.includes(each) !== (action === 'hold');
      const legs = LEG_ORDER[action].filter((each) => (leg ?? each) === each && mayChange(each));
      if (legs.length === 0) {
        actions.fail(miFailure(prefix, ALREADY_DONE[action]));
        actions.end();
        return { state: null, actions: actions.list };
      }
      const state: ReinviteState = {
        engine: 'reinvite',
        followedCallids: [callid],
        callid,
        timeoutMs: (features.inDialog?.timeout_ms ?? 0) + IN_DIALOG_MARGIN_MS,
        isStartReported: false,
        legs: Object.fromEntries(legs.map((each) => [each, { phase: 'requested', attempts: 0 }])),
        hasCallEnded: false,
      };
      // Phones may take seconds. A call that is not known here may not exist.
      if (isAnswered(callid)) reportStart(state, actions);
      for (const each of legs) send(state, each, request, actions);
      return { state, actions: actions.list };
    },

    step(previous, input) {
      const state = copyJson(previous);
      const actions = new StepActions();
      handleInput(state, input, actions);
      return finishStep(state, actions);
    },
  };

  function send(state: ReinviteState, leg: Leg, direction: 'hold' | 'resume', actions: StepActions): void {
    const { callid, timeoutMs } = state;
    actions.requestMi(leg, { method: 'hold', params: { callid, leg, direction } }, timeoutMs);
  }

  function reportStart(state: ReinviteState, actions: StepActions): void {
    if (state.isStartReported) return;
    state.isStartReported = true;
    actions.notify(`${prefix}ing`);
    for (const leg of legsOf(state)) actions.notify(`${prefix}Start`, { leg });
  }

  function handleInput(state: ReinviteState, input: Input, actions: StepActions): void {
    if (input.type === 'event') {
      const { name, params } = input.event;
      if (name !== 'E_DLG_STATE_CHANGED') return;
      if (params.new_state === dialogState.ended) state.hasCallEnded = true;
      if (params.new_state === dialogState.acknowledged) retryNotReady(state, actions);
      return;
    }
    if (input.type === 'timer') {
      const leg = legsOf(state).find((each) => input.timer === `retry-${each}`);
      if (leg) send(state, leg, request, actions);
      return;
    }
    if (!('request' in input) || !isLegOf(state, input.request)) return;
    const leg = input.request;
    const progress = state.legs[leg];
    if (!progress) return;
    if (progress.phase === 'restoring') progress.phase = phaseAfterRestoring(input);
    else if (progress.phase === 'requested') onReply(state, leg, progress, input, actions);
    decide(state, actions);
  }

  function onReply(
    state: ReinviteState,
    leg: Leg,
    progress: LegProgress,
    input: Extract<Input, { request: string }>,
    actions: StepActions,
  ): void {
    if (input.type === 'mi-error') onError(leg, progress, input.error, actions);
    else if (input.type === 'mi-no-reply') {
      progress.phase = 'failed';
      progress.failure = noReplyFailure(`the re-INVITE to the ${leg}`, input.execution, input.reason);
    } else {
      reportStart(state, actions);
      const result = InDialogResult.safeParse(input.result);
      if (!result.success) {
        progress.phase = 'failed';
        progress.failure = unknownFailure(`${action}: the reply about the ${leg} is not valid`);
      } else if (result.data.status.startsWith('2')) progress.phase = 'changed';
      else if (GLARE.test(result.data.status) && progress.attempts === 0) {
        progress.attempts++;
        actions.startTimer(`retry-${leg}`, GLARE_DELAY_MS);
      } else {
        progress.phase = 'failed';
        progress.status = result.data.status;
      }
    }
  }

  function onError(leg: Leg, progress: LegProgress, error: MiError, actions: StepActions): void {
    if (error.code === NOT_READY && progress.attempts < MAX_READY_ATTEMPTS) {
      progress.attempts++;
      actions.startTimer(`retry-${leg}`, ACK_TIMEOUT_MS);
      return;
    }
    progress.phase = 'failed';
    progress.failure = miFailure(prefix, error);
  }

  /** The ACK has arrived. */
  function retryNotReady(state: ReinviteState, actions: StepActions): void {
    for (const leg of legsOf(state)) {
      const progress = state.legs[leg];
      if (progress?.phase !== 'requested' || progress.attempts === 0) continue;
      actions.stopTimers(`retry-${leg}`);
      send(state, leg, request, actions);
    }
  }

  /** Once each phone has answered: reports the success, or puts back what has changed. */
  function decide(state: ReinviteState, actions: StepActions): void {
    const legs = legsOf(state);
    if (legs.some((leg) => state.legs[leg]?.phase === 'requested')) return;
    const hasFailed = legs.some((leg) => state.legs[leg]?.phase === 'failed');
    for (const leg of legs) {
      const progress = state.legs[leg];
      if (progress?.phase !== 'changed' || !hasFailed || state.hasCallEnded) continue;
      progress.phase = 'restoring';
      send(state, leg, opposite, actions);
    }
  }

  function finishStep(state: ReinviteState, actions: StepActions): StepResult<ReinviteState> {
    const phases = Object.values(state.legs).map(({ phase }) => phase);
    const isPending = phases.some((phase) => phase === 'requested' || phase === 'restoring');
    if (isPending && !state.hasCallEnded) return { state, actions: actions.list };
    const hasFailed = phases.some((phase) => phase !== 'changed');
    if (state.isStartReported) reportLegs(state, actions);
    if (state.hasCallEnded && hasFailed) actions.fail(callEndedFailure(action));
    else if (hasFailed) actions.fail(failureOf(state));
    actions.end();
    return { state: null, actions: actions.list };
  }

  /** Reports the state of each leg, those that have failed first. */
  function reportLegs(state: ReinviteState, actions: StepActions): void {
    const hasFailed = (leg: Leg) => state.legs[leg]?.phase === 'failed';
    const legs = legsOf(state);
    for (const leg of [...legs.filter(hasFailed), ...legs.filter((each) => !hasFailed(each))]) {
      const phase = state.legs[leg]?.phase;
      const isChanged = phase === 'changed' || phase === 'stuck' || phase === 'unconfirmed';
      actions.notify(`${prefix}${isChanged && !state.hasCallEnded ? 'Successful' : 'Failed'}`, { leg });
    }
  }

  /**
   * The failure of the first leg that has failed, which names each phone and its response. One that says that the command was not carried
   * out must be true for both legs.
   */
  function failureOf(state: ReinviteState): Failure {
    const failed = legsOf(state).flatMap((leg) => {
      const progress = state.legs[leg];
      return progress?.phase === 'failed' ? [{ leg, ...progress }] : [];
    });
    const failures = failed.flatMap(({ failure }) => failure ?? []);
    const withoutStatus = failures.find(({ error }) => error.code === errorCode.unknown) ?? failures[0];
    const [first] = failed;
    const putBack = putBackText(state);
    const isChanged = legsOf(state).some((leg) =>
      ['stuck', 'unconfirmed'].includes(state.legs[leg]?.phase ?? ''),
    );
    if (withoutStatus?.error.code === errorCode.timedOut && isChanged)
      return unknownFailure(`${action} failed: a phone was not sent the re-INVITE${putBack}`);
    if (withoutStatus || first?.status === undefined)
      return withoutStatus ?? unknownFailure(`${action} failed`);
    const statuses = failed.map(({ leg, status }) => `the ${leg} responded ${status}`).join(', ');
    return {
      ...sipFailure(`${action} failed: `, first.status),
      text: `${action} failed: ${statuses}${putBack}`,
    };
  }

  /** What has become of the leg that was changed when the other one failed; empty if there is none. */
  function putBackText(state: ReinviteState): string {
    return legsOf(state)
      .map((leg) => {
        const { phase } = state.legs[leg] ?? {};
        if (phase === 'restored') return `, and the ${leg} was put back`;
        if (phase === 'unconfirmed') return `, and no response tells whether the ${leg} was put back`;
        return phase === 'stuck' ? `, and the ${leg} could not be put back` : '';
      })
      .join('');
  }

  /** The legs that the command changes, in their order. */
  function legsOf({ legs }: ReinviteState): Leg[] {
    return LEG_ORDER[action].filter((leg) => legs[leg] !== undefined);
  }

  function isLegOf(state: ReinviteState, name: string): name is Leg {
    return legsOf(state).some((leg) => leg === name);
  }
}
