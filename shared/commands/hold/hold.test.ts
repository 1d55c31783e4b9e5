import { describe, expect, it } from 'vitest';
import { CommandHarness, FIRST_CALL, type ScriptStep } from '../testing/command-harness.ts';
import {
  dialogEvent,
  holdEvent,
  listedDialog,
  miError,
  miResult,
  noReply,
  notRun,
  resync,
  timer,
} from '../testing/inputs.ts';
import { callHold } from './call-hold.ts';
import { callUnhold } from './call-unhold.ts';

describe.each([
  ['CallHold', callHold, 'hold', 'call_hold'],
  ['CallUnhold', callUnhold, 'unhold', 'call_unhold'],
] as const)('%s', (name, machine, action, method) => {
  const startCommand = () => new CommandHarness(machine, { callid: FIRST_CALL });
  const legEvent = (leg: string, state: string) => holdEvent(leg, state, action);
  const accepted: ScriptStep = [miResult('hold', 'OK'), `${name}ing`];
  const legStarts = (leg: string): ScriptStep => [legEvent(leg, 'start'), `${name}Start`];
  const callerDone: ScriptStep[] = [
    legStarts('caller'),
    legStarts('callee'),
    [legEvent('caller', 'ok'), `${name}Successful`],
  ];

  it(`requests ${method}`, () => {
    expect(startCommand().pendingRequests.get('hold')).toEqual({ method, params: { callid: FIRST_CALL } });
  });

  it('requests a single leg if the client does, also when it repeats the request', () => {
    const harness = new CommandHarness(machine, { callid: FIRST_CALL, leg: 'callee' });
    const request = { method, params: { callid: FIRST_CALL, leg: 'callee' } };
    expect(harness.pendingRequests.get('hold')).toEqual(request);
    harness.run([noReply('hold'), `MI ${method} ${FIRST_CALL}`]);
    expect(harness.pendingRequests.get('hold')).toEqual(request);
  });

  it('reports each leg, and ends as soon as both are done', () => {
    const harness = startCommand().run(accepted, ...callerDone, [
      legEvent('callee', 'ok'),
      `${name}Successful`,
      'Ended',
    ]);
    expect(harness.notifications).toEqual([
      { event: `${name}ing` },
      { event: `${name}Start`, data: { leg: 'caller' } },
      { event: `${name}Start`, data: { leg: 'callee' } },
      { event: `${name}Successful`, data: { leg: 'caller' } },
      { event: `${name}Successful`, data: { leg: 'callee' } },
      { event: 'Ended' },
    ]);
    expect(harness.isFinished).toBe(true);
  });

  it('reports in order if some events overtake the reply', () => {
    startCommand().run(
      [legEvent('caller', 'start')],
      [legEvent('callee', 'start')],
      [miResult('hold', 'OK'), `${name}ing`, `${name}Start`, `${name}Start`],
    );
  });

  it('reports in order if all events overtake the reply', () => {
    startCommand().run(
      [legEvent('callee', 'start')],
      [legEvent('caller', 'start')],
      [legEvent('callee', 'ok')],
      [legEvent('caller', 'ok')],
      [
        miResult('hold', 'OK'),
        `${name}ing`,
        `${name}Start`,
        `${name}Start`,
        `${name}Successful`,
        `${name}Successful`,
        'Ended',
      ],
    );
  });

  it('reports the start of a leg although its event is lost', () => {
    startCommand().run(accepted, [legEvent('caller', 'ok'), `${name}Start`, `${name}Successful`]);
  });

  it('reports duplicate events once', () => {
    startCommand().run(
      accepted,
      legStarts('caller'),
      [legEvent('caller', 'start')],
      [legEvent('caller', 'ok'), `${name}Successful`],
      [legEvent('caller', 'ok')],
    );
  });

  describe('if one leg is already in the requested state', () => {
    const calleeDone: ScriptStep[] = [
      accepted,
      legStarts('callee'),
      [legEvent('callee', 'ok'), `${name}Successful`],
    ];

    it('ends 300 ms after the other leg is done', () => {
      const harness = startCommand().run(...calleeDone);
      expect(harness.timers.get('quiet')).toBe(300);
      harness.run([timer('quiet'), 'Ended']);
    });

    it('waits for a leg that starts within that time', () => {
      const harness = startCommand().run(...calleeDone, legStarts('caller'));
      expect(harness.timers.has('quiet')).toBe(false);
      harness.run([legEvent('caller', 'ok'), `${name}Successful`, 'Ended']);
    });
  });

  describe('if a phone refuses', () => {
    it('reports the leg and fails once the other leg is done', () => {
      const harness = startCommand().run(accepted, ...callerDone, [
        legEvent('callee', 'fail'),
        `${name}Failed`,
        `Error: ${action} failed: the callee refused or did not answer. OpenSIPS does not report the status`,
        'Ended',
      ]);
      expect(harness.notifications.at(-2)?.error).not.toHaveProperty('sip');
    });

    it('reports both legs if both refuse', () => {
      startCommand().run(
        accepted,
        legStarts('caller'),
        legStarts('callee'),
        [legEvent('caller', 'fail'), `${name}Failed`],
        [
          legEvent('callee', 'fail'),
          `${name}Failed`,
          `Error: ${action} failed: the caller and the callee refused or did not answer. OpenSIPS does not report the status`,
          'Ended',
        ],
      );
    });

    it('fails after 300 ms if the other leg is already in the requested state', () => {
      startCommand().run(
        accepted,
        legStarts('callee'),
        [legEvent('callee', 'fail'), `${name}Failed`],
        [
          timer('quiet'),
          `Error: ${action} failed: the callee refused or did not answer. OpenSIPS does not report the status`,
          'Ended',
        ],
      );
    });
  });

  describe('if a phone does not answer its re-INVITE', () => {
    it('fails after 35 s', () => {
      const harness = startCommand().run(accepted, ...callerDone);
      expect(harness.timers.get('re-invite')).toBe(35_000);
      harness.run([
        timer('re-invite'),
        `Error: ${name}: no response from the callee arrived within 35 s. The command may or may not have been carried out.`,
        'Ended',
      ]);
      expect(harness.notifications.at(-2)?.error?.code).toBe(-32013);
    });

    it('also fails without an event for either leg', () => {
      startCommand().run(accepted, [
        timer('re-invite'),
        `Error: ${name}: no response from either phone arrived within 35 s. The command may or may not have been carried out.`,
        'Ended',
      ]);
    });
  });

  it.each([
    [480, 'Both dialog legs are on hold'],
    [480, 'No dialog legs on hold'],
  ])('fails with OpenSIPS’s text: %i %s', (code, message) => {
    const harness = startCommand().run([
      miError('hold', code, message),
      `Error: ${code} ${message}`,
      'Ended',
    ]);
    expect(harness.notifications[0]?.error).toMatchObject({
      code: -32011,
      sip: { status: code, reason: message },
    });
  });

  const retry = `MI ${method} ${FIRST_CALL}`;
  const notReady = miError('hold', 410, 'Dialog not ready');

  it.each<[string, ScriptStep[]]>([
    ['when the ACK arrives', [[notReady], [dialogEvent(FIRST_CALL, 3, 4), retry]]],
    ['immediately if the ACK has arrived before', [[dialogEvent(FIRST_CALL, 3, 4)], [notReady, retry]]],
    ['after a timeout', [[notReady], [timer('ack'), retry]]],
  ])('repeats the request for a call that was just answered: %s', (_, rows) => {
    const harness = startCommand().run(...rows, accepted, ...callerDone, [
      legEvent('callee', 'ok'),
      `${name}Successful`,
      'Ended',
    ]);
    expect(harness.isFinished).toBe(true);
  });

  it('fails if the call is still not ready after that', () => {
    const error = 'Error: 410 Dialog not ready';
    expect(startCommand().run([notReady], [timer('ack'), retry], [notReady, error, 'Ended']).isFinished).toBe(
      true,
    );
  });

  it('ignores events before a refusal: they belong to another command', () => {
    startCommand().run(
      [legEvent('caller', 'start')],
      [miError('hold', 480, 'No dialog legs on hold'), 'Error: 480 No dialog legs on hold', 'Ended'],
    );
  });

  it('ignores events of the other direction and unknown states', () => {
    startCommand().run(
      accepted,
      [holdEvent('caller', 'start', action === 'hold' ? 'unhold' : 'hold')],
      [legEvent('caller', 'state')],
      legStarts('caller'),
    );
  });

  it('fails as soon as the call ends', () => {
    startCommand().run(accepted, legStarts('caller'), [
      dialogEvent(FIRST_CALL, 4, 5),
      `Error: ${action} failed: the call ended`,
      'Ended',
    ]);
  });

  it('fails after the reply if the call has ended before it', () => {
    startCommand().run(
      [legEvent('caller', 'start')],
      [dialogEvent(FIRST_CALL, 4, 5)],
      [
        miResult('hold', 'OK'),
        `${name}ing`,
        `${name}Start`,
        `Error: ${action} failed: the call ended`,
        'Ended',
      ],
    );
  });

  describe('if the reply is lost, the request is repeated once', () => {
    const retried: ScriptStep[] = [
      [legEvent('caller', 'start')],
      [noReply('hold'), `MI ${method} ${FIRST_CALL}`],
    ];

    it.each([
      ['and accepted', miResult('hold', 'OK')],
      [
        'and refused, because OpenSIPS had accepted the first one',
        miError('hold', 480, 'No such dialog legs'),
      ],
      ['and its reply is lost as well: the events decide', noReply('hold')],
      ['and not sent, but the first one was', notRun('hold')],
    ])('%s', (_, outcome) => {
      startCommand().run(...retried, [outcome, `${name}ing`, `${name}Start`]);
    });

    it('and fails with an unknown outcome if it is refused and there was no event', () => {
      startCommand().run(
        [noReply('hold'), `MI ${method} ${FIRST_CALL}`],
        [
          miError('hold', 480, 'as asked'),
          `Error: No usable reply of OpenSIPS to ${method}: the repeated request was rejected with "as asked". The command may or may not have been carried out.`,
          'Ended',
        ],
      );
    });

    it('and refused for another reason', () => {
      startCommand().run(...retried, [
        miError('hold', 404, 'Dialog not found'),
        'Error: 404 Dialog not found',
        'Ended',
      ]);
    });
  });

  describe('on a resync the dialog is read', () => {
    const dialogRead: ScriptStep = [resync, `MI dlg_list ${FIRST_CALL}`];

    it('fails if the call has ended', () => {
      startCommand().run(accepted, legStarts('caller'), dialogRead, [
        miError('read-dialog', 404, 'No such dialog'),
        `Error: ${action} failed: the call ended`,
        'Ended',
      ]);
    });

    it.each([
      ['the call is active', miResult('read-dialog', { Dialog: listedDialog(FIRST_CALL) })],
      ['there is no reply', noReply('read-dialog')],
      ['OpenSIPS replies with an error', miError('read-dialog', 500, 'Internal error')],
    ])('continues with the events if %s', (_, outcome) => {
      startCommand().run(
        accepted,
        ...callerDone,
        dialogRead,
        [outcome],
        [legEvent('callee', 'ok'), `${name}Successful`, 'Ended'],
      );
    });
  });

  it('fails immediately if the request was not sent', () => {
    startCommand().run([
      notRun('hold'),
      `Error: ${method} was not sent to OpenSIPS: no adapter was connected. The command was not carried out.`,
      'Ended',
    ]);
  });
});
