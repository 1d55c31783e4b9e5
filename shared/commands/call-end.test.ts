import { describe, expect, it } from 'vitest';
import { callEnd } from './call-end.ts';
import { CommandHarness, FIRST_CALL, type ScriptStep } from './testing/command-harness.ts';
import { dialogEvent, miError, miResult, noReply, notRun, resync, timer } from './testing/inputs.ts';

const startCommand = () => new CommandHarness(callEnd, { callid: FIRST_CALL });
const startAnswered = () =>
  new CommandHarness(callEnd, { callid: FIRST_CALL }, () => undefined, [FIRST_CALL]);
const endRequest = `MI dlg_end_dlg ${FIRST_CALL}`;
const requestName = `end ${FIRST_CALL}`;

describe('CallEnd by Call-ID', () => {
  it('sends the request to OpenSIPS immediately', () => {
    expect(startCommand().startOutcome).toContain(endRequest);
  });

  it.each<[string, ScriptStep[]]>([
    ['after the reply', [[miResult(requestName, 'OK'), 'Ended'], [dialogEvent(FIRST_CALL, 4, 5)]]],
    ['after the event if it arrives first', [[dialogEvent(FIRST_CALL, 4, 5), 'Ended']]],
  ])('sends `Ended` %s', (_, rows) => {
    expect(startCommand().run(...rows).isFinished).toBe(true);
  });

  it('repeats the request after a resync, because OpenSIPS may have crashed with the BYE still queued', () => {
    const harness = new CommandHarness(callEnd, { callid: FIRST_CALL }, () => undefined, [FIRST_CALL]);
    harness.run(
      [miResult(requestName, 'OK'), 'Ended'],
      [resync, endRequest],
      [miResult(requestName, 'OK')],
      [dialogEvent(FIRST_CALL, 4, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('treats "not found" as success if the call was known to be answered', () => {
    const harness = new CommandHarness(callEnd, { callid: FIRST_CALL }, () => undefined, [FIRST_CALL]);
    harness.run([noReply(requestName)], [timer('end-retry'), endRequest]);
    harness.run([miError(requestName, 404, 'Requested Dialog not found'), 'Ended']);
    expect([harness.isFinished, harness.notifications[0]?.event]).toEqual([true, 'Ended']);
  });

  it('fails with upstream’s text if there is no such call', () => {
    const harness = startCommand().run([
      miError(requestName, 404, 'Requested Dialog not found'),
      'Error: 404 Requested Dialog not found',
      'Ended',
    ]);
    expect(harness.isFinished).toBe(true);
    expect(harness.notifications[0]?.error).toMatchObject({ code: -32005 });
  });

  it('repeats the request when the call starts to ring, without a notification', () => {
    const harness = startCommand().run(
      [miResult(requestName, 'OK'), 'Ended'],
      [dialogEvent(FIRST_CALL, 1, 2), endRequest],
      [miResult(requestName, 'OK')],
      [dialogEvent(FIRST_CALL, 2, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('does not fail if the state of the call has changed before "not found"', () => {
    const harness = startCommand().run(
      [dialogEvent(FIRST_CALL, 3, 4)],
      [miResult(requestName, 'OK'), endRequest, 'Ended'],
      [miError(requestName, 404, 'Requested Dialog not found')],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('finishes with "not found" if the event of the end is lost', () => {
    const harness = startCommand().run(
      [miResult(requestName, 'OK'), 'Ended'],
      [timer('end-retry'), endRequest],
      [miError(requestName, 404, 'Requested Dialog not found')],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('treats "not found" after a lost reply as success if an event has shown the call', () => {
    const harness = startCommand().run([noReply(requestName)], [dialogEvent(FIRST_CALL, 4, 5), 'Ended']);
    expect(harness.isFinished).toBe(true);
    const seenBefore = startCommand().run(
      [dialogEvent(FIRST_CALL, 2, 3)],
      [noReply(requestName), endRequest],
      [miError(requestName, 404, 'Requested Dialog not found'), 'Ended'],
    );
    expect(seenBefore.isFinished).toBe(true);
  });

  it('fails with an unknown outcome after a lost reply if no event has shown the call', () => {
    const harness = startCommand().run(
      [noReply(requestName)],
      [timer('end-retry'), endRequest],
      [
        miError(requestName, 404, 'Requested Dialog not found'),
        'Error: No usable reply of OpenSIPS to dlg_end_dlg: the call no longer exists. The command may or may not have been carried out.',
        'Ended',
      ],
    );
    expect(harness.isFinished).toBe(true);
  });

  it.each<[string, ScriptStep, string, number]>([
    [
      'a request that was not run',
      [notRun(requestName)],
      'Error: OpenSIPS has rejected dlg_end_dlg: 500 Internal error.',
      -32011,
    ],
    [
      'a lost reply',
      [noReply(requestName)],
      'Error: No usable reply of OpenSIPS to dlg_end_dlg: the repeated request was rejected with 500 Internal error. The command may or may not have been carried out.',
      -32013,
    ],
  ])(
    'fails with OpenSIPS’s error after %s, although the call was known to be answered',
    (_, first, text, code) => {
      const harness = startAnswered().run(first, [timer('end-retry'), endRequest]);
      harness.step(miError(requestName, 500, 'Internal error'));
      expect(harness.isFinished).toBe(true);
      expect(harness.notifications.map(({ event }) => event)).toEqual(['Error', 'Ended']);
      expect(harness.notifications[0]?.error).toMatchObject({ code, message: text.slice('Error: '.length) });
    },
  );

  it('fails with "not found" after a request that was not run, if the call is not known', () => {
    const harness = startCommand().run(
      [dialogEvent(FIRST_CALL, 2, 3)],
      [notRun(requestName), endRequest],
      [
        miError(requestName, 404, 'Requested Dialog not found'),
        'Error: 404 Requested Dialog not found',
        'Ended',
      ],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('repeats the request on a resync, unless one is pending', () => {
    const harness = startCommand().run(
      [resync],
      [miResult(requestName, 'OK'), 'Ended'],
      [resync, endRequest],
      [miError(requestName, 404, 'Requested Dialog not found')],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('fails with an unknown outcome after 5 s without a reply', () => {
    const harness = startCommand();
    expect(harness.timers.get('end-timeout')).toBe(5_000);
    harness.run(
      [notRun(requestName)],
      [
        timer('end-timeout'),
        'Error: No usable reply of OpenSIPS to dlg_end_dlg: no reply arrived in time. The command may or may not have been carried out.',
        'Ended',
      ],
    );
    expect(harness.notifications[0]?.error?.code).toBe(-32013);
  });

  it('forgets the call when it gives up', () => {
    const harness = startCommand().run([miResult(requestName, 'OK'), 'Ended'], [timer('end-give-up')]);
    expect(harness.isFinished).toBe(true);
  });
});

describe('CallEnd by the `cmd_id` of a CallStart that has ended', () => {
  it('ends the call that the CallStart made', () => {
    const harness = new CommandHarness(callEnd, { callid: 'call-7' }, () => 'made@phone');
    expect(harness.startOutcome).toContain('MI dlg_end_dlg made@phone');
    harness.run([miResult('end made@phone', 'OK'), 'Ended']);
  });
});

describe('CallEnd by the `cmd_id` of a running CallStart', () => {
  const startByCmdId = () =>
    new CommandHarness(callEnd, { callid: 'call-7' }, (cmdId) =>
      cmdId === 'call-7' ? 'running' : undefined,
    );

  it('cancels that command and sends nothing to OpenSIPS', () => {
    const harness = startByCmdId();
    expect(harness.startOutcome).toContain('cancel call-7');
    expect(harness.pendingRequests.size).toBe(0);
  });

  it('finishes when the CallStart has sent `Ended`', () => {
    expect(startByCmdId().run([{ type: 'canceled' }, 'Ended']).isFinished).toBe(true);
  });

  it('sends nothing on a resync', () => {
    startByCmdId().run([resync], [{ type: 'canceled' }, 'Ended']);
  });

  it('fails if that takes longer than 5 s', () => {
    const harness = startByCmdId();
    expect(harness.timers.get('canceled')).toBe(5_000);
    harness.run([
      timer('canceled'),
      'Error: The CallStart did not end within 5 s. Send CallEnd again.',
      'Ended',
    ]);
    expect(harness.isFinished).toBe(true);
  });
});
