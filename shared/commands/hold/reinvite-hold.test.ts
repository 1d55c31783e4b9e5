/** Hold and unhold by re-INVITE of the adapter, whose reply is the phone's answer. */
import { describe, expect, it } from 'vitest';
import type { Leg } from '../../opensips/evi.ts';
import { featuresOf } from '../../opensips/features.ts';
import type { Input } from '../command.ts';
import { CommandHarness, FIRST_CALL, type ScriptStep } from '../testing/command-harness.ts';
import { dialogEvent, miError, miResult, noReply, notRun, timer } from '../testing/inputs.ts';
import { callHold } from './call-hold.ts';
import { callUnhold } from './call-unhold.ts';

const features = featuresOf({ in_dialog: { refer: true, hold: true, timeout_ms: 5_000 } });

interface Situation {
  readonly leg?: Leg;
  readonly held?: readonly Leg[];
  /** Whether the call is known to be answered. */
  readonly isKnown?: boolean;
}

const startCommand = (machine: typeof callHold, { leg, held = [], isKnown = true }: Situation = {}) =>
  new CommandHarness(
    machine,
    { callid: FIRST_CALL, ...(leg === undefined ? {} : { leg }) },
    () => undefined,
    isKnown ? [FIRST_CALL] : [],
    { features, heldLegs: () => (isKnown ? held : undefined) },
  );
const hold = (situation?: Situation) => startCommand(callHold, situation);
const unhold = (situation?: Situation) => startCommand(callUnhold, situation);

const answer = (leg: Leg, status: string): Input => miResult(leg, { status });
const ok = (leg: Leg, ...outcome: string[]): ScriptStep => [answer(leg, '200 OK'), ...outcome];
const request = `MI hold ${FIRST_CALL}`;

describe('CallHold by re-INVITE', () => {
  it('sends one to each phone, and reports each leg once both have answered', () => {
    const harness = hold();
    expect(harness.startOutcome).toEqual(['CallHolding', 'CallHoldStart', 'CallHoldStart', request, request]);
    expect([...harness.pendingRequests].map(([name, { params }]) => [name, params])).toEqual([
      ['caller', { callid: FIRST_CALL, leg: 'caller', direction: 'hold' }],
      ['callee', { callid: FIRST_CALL, leg: 'callee', direction: 'hold' }],
    ]);
    harness.run(ok('callee'), ok('caller', 'CallHoldSuccessful', 'CallHoldSuccessful', 'Ended'));
    expect(harness.notifications.map(({ data }) => data)).toEqual([
      undefined,
      { leg: 'caller' },
      { leg: 'callee' },
      { leg: 'caller' },
      { leg: 'callee' },
      undefined,
    ]);
    expect(harness.isFinished).toBe(true);
  });

  it('changes one leg only if the client names it', () => {
    const harness = hold({ leg: 'callee' });
    expect([...harness.pendingRequests.keys()]).toEqual(['callee']);
    harness.run(ok('callee', 'CallHoldSuccessful', 'Ended'));
  });

  it('skips a leg that is on hold already', () => {
    expect([...hold({ held: ['caller'] }).pendingRequests.keys()]).toEqual(['callee']);
  });

  it('of a call that is not known here reports nothing before an answer, because it may not exist', () => {
    const harness = hold({ isKnown: false });
    expect(harness.startOutcome).toEqual([request, request]);
    harness.run(
      [miError('caller', 404, 'Dialog not found')],
      [miError('callee', 404, 'Dialog not found'), 'Error: 404 Dialog not found', 'Ended'],
    );
    expect(harness.notifications[0]?.error).toMatchObject({ code: -32005 });
  });
});

describe('CallUnhold by re-INVITE', () => {
  it('resumes the legs that are on hold, the callee first', () => {
    const harness = unhold({ held: ['callee', 'caller'] });
    expect([...harness.pendingRequests].map(([name, { params }]) => [name, params])).toEqual([
      ['callee', { callid: FIRST_CALL, leg: 'callee', direction: 'resume' }],
      ['caller', { callid: FIRST_CALL, leg: 'caller', direction: 'resume' }],
    ]);
    harness.run(ok('callee'), ok('caller', 'CallUnholdSuccessful', 'CallUnholdSuccessful', 'Ended'));
  });
});

it('a call that is not known here may be on hold: both phones get a re-INVITE', () => {
  expect([...unhold({ isKnown: false }).pendingRequests.keys()]).toEqual(['callee', 'caller']);
});

describe('nothing to change', () => {
  it.each([
    ['Both dialog legs are on hold', () => hold({ held: ['caller', 'callee'] })],
    ['Both dialog legs are on hold', () => hold({ leg: 'caller', held: ['caller'] })],
    ['No dialog legs on hold', () => unhold()],
    ['No dialog legs on hold', () => unhold({ leg: 'callee', held: ['caller'] })],
  ])('fails as callops does: %s', (message, start) => {
    const harness = start();
    expect(harness.startOutcome).toEqual([`Error: 480 ${message}`, 'Ended']);
    expect(harness.isFinished).toBe(true);
  });
});

describe('a phone that fails', () => {
  it.each(['408 Request Timeout', '488 Not Acceptable Here'])(
    'with %s: the other leg is put back, and the failure names both',
    (status) => {
      const harness = hold().run(ok('caller'), [answer('callee', status), request]);
      expect(harness.pendingRequests.get('caller')?.params).toMatchObject({ direction: 'resume' });
      harness.run(
        ok(
          'caller',
          'CallHoldFailed',
          'CallHoldFailed',
          `Error: hold failed: the callee responded ${status}, and the caller was put back`,
          'Ended',
        ),
      );
      expect(harness.notifications.at(-2)?.error).toMatchObject({
        code: -32010,
        sip: { status: Number(status.slice(0, 3)), reason: status.slice(4) },
      });
    },
  );

  it('puts a leg back on hold if the other cannot be resumed', () => {
    const harness = unhold({ held: ['caller', 'callee'] }).run(ok('callee'), [
      answer('caller', '408 Request Timeout'),
      request,
    ]);
    expect(harness.pendingRequests.get('callee')?.params).toMatchObject({ direction: 'hold' });
  });

  it('together with the other one: nothing is put back', () => {
    hold().run(
      [answer('caller', '488 Not Acceptable Here')],
      [
        answer('callee', '408 Request Timeout'),
        'CallHoldFailed',
        'CallHoldFailed',
        'Error: hold failed: the caller responded 488 Not Acceptable Here, the callee responded 408 Request Timeout',
        'Ended',
      ],
    );
  });

  it.each([
    ['is refused', answer('caller', '488 Not Acceptable Here'), 'the caller could not be put back'],
    ['is not sent', notRun('caller'), 'the caller could not be put back'],
    ['is not answered', noReply('caller'), 'no response tells whether the caller was put back'],
  ])(
    'ends the command even if the request that puts the other leg back %s, and says so',
    (_, reply, text) => {
      const harness = hold().run(
        ok('caller'),
        [answer('callee', '408 Request Timeout'), request],
        [
          reply,
          'CallHoldFailed',
          'CallHoldSuccessful',
          `Error: hold failed: the callee responded 408 Request Timeout, and ${text}`,
          'Ended',
        ],
      );
      expect(harness.isFinished).toBe(true);
    },
  );
});

describe('a request that comes too early', () => {
  it('is repeated when the ACK arrives, or after half a second', () => {
    hold({ leg: 'caller' }).run(
      [miError('caller', 410, 'Dialog not ready')],
      [dialogEvent(FIRST_CALL, 3, 4), request],
      [miError('caller', 410, 'Dialog not ready')],
      [timer('retry-caller'), request],
      ok('caller', 'CallHoldSuccessful', 'Ended'),
    );
  });

  it('is repeated once after it has crossed a re-INVITE of the phone', () => {
    const harness = hold({ leg: 'caller' }).run([answer('caller', '491 Request Pending')]);
    expect(harness.timers.get('retry-caller')).toBe(2_500);
    harness.run(
      [timer('retry-caller'), request],
      [
        answer('caller', '491 Request Pending'),
        'CallHoldFailed',
        'Error: hold failed: the caller responded 491 Request Pending',
        'Ended',
      ],
    );
  });
});

describe('without an answer', () => {
  it('the outcome is unknown, and has no SIP status', () => {
    const harness = hold({ leg: 'caller' }).run([
      noReply('caller'),
      'CallHoldFailed',
      'Error: No usable reply of OpenSIPS to the re-INVITE to the caller: no reply arrived in time. The command may or may not have been carried out.',
      'Ended',
    ]);
    expect(harness.notifications.at(-2)?.error).toEqual({ code: -32013, message: expect.any(String) });
  });

  it('nothing was done if no adapter was connected', () => {
    hold({ leg: 'caller' }).run([
      notRun('caller'),
      'CallHoldFailed',
      'Error: the re-INVITE to the caller was not sent to OpenSIPS: no adapter was connected. The command was not carried out.',
      'Ended',
    ]);
  });

  it('fails as soon as the call ends', () => {
    hold().run([
      dialogEvent(FIRST_CALL, 4, 5),
      'CallHoldFailed',
      'CallHoldFailed',
      'Error: hold failed: the call ended',
      'Ended',
    ]);
  });
});

describe('an outcome of one leg that is not known', () => {
  const unknown = (about: string) => expect.stringContaining(about);

  it.each<[string, ScriptStep[]]>([
    ['first', [[noReply('callee')], [notRun('caller'), 'CallHoldFailed', 'CallHoldFailed']]],
    ['last', [[notRun('caller')], [noReply('callee'), 'CallHoldFailed', 'CallHoldFailed']]],
  ])('is what the command reports, although the other leg was not sent, if it comes %s', (_, steps) => {
    const harness = hold();
    for (const [input] of steps) harness.step(input);
    expect(harness.notifications.at(-2)).toMatchObject({
      event: 'Error',
      error: { code: -32013, message: unknown('re-INVITE to the callee') },
    });
  });

  it.each<[string, Input, number]>([
    ['no response tells whether it was put back', noReply('callee'), -32013],
    ['it could not be put back', answer('callee', '488 Not Acceptable Here'), -32013],
    ['it was put back', answer('callee', '200 OK'), -32012],
  ])('counts if the other leg was not sent and %s', (_, restored, code) => {
    const harness = hold();
    harness.step(answer('callee', '200 OK'));
    harness.step(notRun('caller'));
    harness.step(restored);
    expect(harness.notifications.at(-2)).toMatchObject({ event: 'Error', error: { code } });
  });
});
