/**
 * Makes a call to a test address and ends it as soon as it has shown that the first leg passes OpenSIPS's own script (the
 * loop by `next_hop`), and that events arrive.
 * @module
 */
import { errorCode } from '../../shared/protocol/rpc/jsonrpc.ts';
import { withReason } from '../output/sentence.ts';
import type { CommandUpdate, Transport } from '../transport/transport.ts';
import { type Finding, faulty, passed, unchecked } from './finding.ts';
import type { TransferEvidence } from './phone.ts';

/** How long the test phone may ring: the minimum of CallStart. */
const RING_TIMEOUT_S = 5;

/** The SIP status if nobody answers the INVITE. */
const TIMED_OUT = 408;

export interface TestCallResult {
  /** Names of the command's updates, in order. */
  readonly updates: readonly string[];
  readonly failure: CommandUpdate | undefined;
}

/** The calls that doctor makes, so that none is left behind at Ctrl-C. */
export class TestCalls {
  readonly #interrupt: AbortSignal;
  #last: Promise<unknown> = Promise.resolve();

  constructor(interrupt: AbortSignal) {
    this.#interrupt = interrupt;
  }

  /** Resolves when no call is left. */
  get allEnded(): Promise<unknown> {
    return this.#last;
  }

  /** Calls a phone and ends the call, at Ctrl-C at once; resolves when it has ended. */
  makeCall(transport: Transport, address: string): Promise<TestCallResult> {
    return this.run(makeTestCall(transport, address, this.#interrupt));
  }

  /** Waits for calls that end by themselves. */
  run<T>(calls: Promise<T>): Promise<T> {
    this.#last = calls.catch(() => {});
    return calls;
  }
}

async function makeTestCall(
  transport: Transport,
  address: string,
  interrupt: AbortSignal,
): Promise<TestCallResult> {
  const updates: string[] = [];
  let failure: CommandUpdate | undefined;
  let ending: Promise<void> | undefined;
  const ended = new Promise<void>((resolve) => {
    const params = { caller: address, callee: address, timeout: RING_TIMEOUT_S };
    const cmdId = transport.run('CallStart', params, (update) => {
      const { event } = update;
      // While the call is being ended, a failure is this program's own doing.
      if (!ending) updates.push(event);
      if (!ending && (event === 'Error' || event === 'Refused' || event === 'Lost')) failure = update;
      if (event === 'Ended' || event === 'Refused' || event === 'Lost') resolve();
      else if (event === 'CallerRinging' || event === 'TransferStart' || event === 'CalleeAnswered')
        ending ??= end(transport, cmdId);
    });
    const onInterrupt = () => {
      ending ??= end(transport, cmdId);
    };
    if (interrupt.aborted) onInterrupt();
    interrupt.addEventListener('abort', onInterrupt, { once: true });
  });
  await Promise.race([ended.then(() => ending), transport.failed]);
  return { updates, failure };
}

function end(transport: Transport, cmdId: string): Promise<void> {
  return new Promise((resolve) => {
    transport.run('CallEnd', { callid: cmdId }, ({ event }) => {
      if (event === 'Ended' || event === 'Refused' || event === 'Lost') resolve();
    });
  });
}

/**
 * Returns what the call has shown.
 * @param hasEvents whether an event of OpenSIPS has arrived since it began
 */
export function testCallFindings(
  { updates, failure }: TestCallResult,
  hasEvents: boolean,
  nextHop: string,
): readonly [events: Finding, loop: Finding] {
  const wasRinging = updates.includes('CallerRinging');
  const isDialog =
    wasRinging ||
    updates.includes('Transferring') ||
    updates.includes('TransferStart') ||
    transferEvidence({ updates, failure }).refusal !== undefined;
  const { sip, message } = sipFailure(failure);
  const lacksDialog = updates.includes('CallerAnswered') && failure?.error?.code === errorCode.gone;
  const isTimedOut = sip === TIMED_OUT || failure?.error?.code === errorCode.timedOut;
  const loop = (): Finding => {
    if (lacksDialog)
      return faulty(
        'loop',
        `The test phone answered, but OpenSIPS made no dialog: the call did not pass its routing script at ${nextHop}.`,
        'Set --sip-next-hop (SIP_NEXT_HOP) of the adapter, or --next-hop here, to the address of socket= in opensips.cfg, and call create_dialog() in its route: docs/opensips.md, trap 1.',
      );
    if (isDialog) return passed('loop', `The first leg passes the routing script at ${nextHop}.`);
    if (isTimedOut)
      return faulty(
        'loop',
        `There was no response to the INVITE that was sent to ${nextHop} (408).`,
        'Set --sip-next-hop (SIP_NEXT_HOP) of the adapter, or --next-hop here, to the address of socket= in opensips.cfg. If it is right, the test phone does not answer.',
      );
    if (hasEvents)
      return passed(
        'loop',
        withReason(`The call reached the routing script at ${nextHop}, which refused it`, message),
      );
    return unchecked(
      'loop',
      `${withReason('Not checked: the test call has failed', message)} Use a --test-address that rings.`,
    );
  };
  const events = (): Finding => {
    if (wasRinging || hasEvents) return passed('events', 'The events of the test call arrived.');
    if (isDialog)
      return faulty(
        'events',
        'OpenSIPS made a dialog for the test call, but its events did not arrive.',
        'Let UDP pass from OpenSIPS to the address where the adapter listens (--events, EVI_LISTEN), and load event_datagram.so in opensips.cfg.',
      );
    return unchecked('events', 'Not checked: the test call made no dialog, so there were no events.');
  };
  return [events(), loop()];
}

/** Returns what the call has shown of the phone: whether it accepted or refused the transfer. */
export function transferEvidence({ updates, failure }: TestCallResult): TransferEvidence {
  const { sip, message } = sipFailure(failure);
  const hasAccepted = updates.includes('TransferStart') || updates.includes('CalleeAnswered');
  const isRefused = updates.includes('CallerAnswered') && !hasAccepted && !updates.includes('Transferring');
  return { refusal: isRefused && sip !== undefined && sip !== TIMED_OUT ? message : undefined, hasAccepted };
}

function sipFailure(failure: CommandUpdate | undefined): {
  readonly sip: number | undefined;
  readonly message: string;
} {
  const error = failure?.error;
  const sip =
    error && 'sip' in error ? (error.sip as { readonly status?: number } | undefined)?.status : undefined;
  const message = typeof failure?.data === 'string' ? failure.data : (error?.message ?? 'no response');
  return { sip, message };
}
