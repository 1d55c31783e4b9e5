/**
 * A call to a test address, ended as soon as it has shown what it is for: that the first leg passes OpenSIPS's own
 * script (the loop by `next_hop`), and that events come of it.
 * @module
 */
import { code } from '../../shared/jsonrpc.ts';
import type { Line, Notice } from '../line.ts';
import { type Finding, ill, unknown, well } from './finding.ts';

/** How long the test phone may ring, in seconds: the least that a CallStart takes. */
const RING_S = 5;

/** What OpenSIPS answers to the transfer of a call that it has made no dialog for. */
const NO_DIALOG = 404;
const TIMED_OUT = 408;

/** What came of it. */
export interface Outcome {
  /** Names of the events of the command, in order. */
  readonly told: readonly string[];
  readonly failure: Notice | undefined;
}

/** Makes it and ends it; resolves when it is over. */
export async function testCall(line: Line, address: string): Promise<Outcome> {
  const told: string[] = [];
  let failure: Notice | undefined;
  let ending: Promise<void> | undefined;
  const over = new Promise<void>((resolve) => {
    const cmdId = line.run('CallStart', { caller: address, callee: address, timeout: RING_S }, (notice) => {
      const { event } = notice;
      // Once it is being ended, what fails is our own doing.
      if (!ending) told.push(event);
      if (!ending && (event === 'Error' || event === 'Refused' || event === 'Lost')) failure = notice;
      if (event === 'Ended' || event === 'Refused' || event === 'Lost') resolve();
      else if (event === 'CallerRinging' || event === 'TransferStart' || event === 'CalleeAnswered')
        ending ??= end(line, cmdId);
    });
  });
  await Promise.race([over, line.broken]);
  await ending;
  return { told, failure };
}

function end(line: Line, cmdId: string): Promise<void> {
  return new Promise((resolve) => {
    line.run('CallEnd', { callid: cmdId }, ({ event }) => {
      if (event === 'Ended' || event === 'Refused' || event === 'Lost') resolve();
    });
  });
}

/**
 * What it shows.
 * @param cameEvents whether an event has come since it began
 */
export function testCallFindings(
  { told, failure }: Outcome,
  cameEvents: boolean,
  nextHop: string,
): readonly [events: Finding, loop: Finding] {
  const wasRinging = told.includes('CallerRinging');
  const isDialog = wasRinging || told.includes('Transferring') || told.includes('TransferStart');
  const { sip, message } = sipOf(failure);
  const lacksDialog =
    told.includes('CallerAnswered') && failure?.error?.code === code.miRefused && sip === NO_DIALOG;
  const loop = (): Finding => {
    if (lacksDialog)
      return ill(
        'loop',
        `the test phone answered, but OpenSIPS made no dialog: the call did not pass its script, by next_hop ${nextHop}`,
        'set --sip-next-hop (SIP_NEXT_HOP) of the adapter, or --next-hop here, to the address of socket= in opensips.cfg, and call create_dialog() in its route: docs/opensips.md, trap 1',
      );
    if (isDialog) return well('loop', `the first leg passes the script by ${nextHop}`);
    if (sip === TIMED_OUT)
      return ill(
        'loop',
        `nothing came back of the INVITE that was sent to ${nextHop} (408)`,
        'set --sip-next-hop (SIP_NEXT_HOP) of the adapter, or --next-hop here, to the address of socket= in opensips.cfg; or the test phone does not answer',
      );
    if (cameEvents) return well('loop', `the script saw the call, by ${nextHop}, and refused it: ${message}`);
    return unknown('loop', `not shown: the test address gave ${message}; give a --test-address that rings`);
  };
  const events = (): Finding => {
    if (wasRinging || cameEvents) return well('events', 'the test call was told by its events');
    if (isDialog)
      return ill(
        'events',
        'OpenSIPS made a dialog for the test call, and no event of it arrived',
        'let UDP pass from OpenSIPS to where the adapter listens (--events, EVI_LISTEN), and load event_datagram.so in opensips.cfg',
      );
    return unknown('events', 'not shown: the test call made no dialog, so there was nothing to tell');
  };
  return [events(), loop()];
}

function sipOf(failure: Notice | undefined): { readonly sip: number | undefined; readonly message: string } {
  const error = failure?.error;
  const sip =
    error && 'sip' in error ? (error.sip as { readonly status?: number } | undefined)?.status : undefined;
  const message = typeof failure?.data === 'string' ? failure.data : (error?.message ?? 'nothing');
  return { sip, message };
}
