/** Who ended a call, whatever comes first: the end, the event that tells of it, or the reply to the request of a command. */
import { expect, it } from 'vitest';
import type { EviEvent } from '../opensips/evi.ts';
import { CallCorrelator } from './call-correlator.ts';

const CALLID = 'c1';

const dialog = (state: number, before = 1): EviEvent => ({
  name: 'E_DLG_STATE_CHANGED',
  params: { id: 'a', callid: CALLID, old_state: before, new_state: state },
});
const refused: EviEvent = {
  name: 'E_CALL_REFUSED',
  params: { callid: CALLID, osid: '', status: '404 Not Found' },
};
const bye: EviEvent = { name: 'E_CALL_BYE', params: { callid: CALLID, leg: 'callee' } };
const requested = 'dlg_end_dlg is sent';
const accepted = 'dlg_end_dlg: OK';
const notFound = 'dlg_end_dlg: 404';
const MISSING = 'no longer known to OpenSIPS';
const missing = 'dlg_list {callid}: 404';
const listed = 'dlg_list: it has ended';

const ENDED_DIALOG = { ID: 'a', state: 5, timestart: 0, callid: CALLID, from_uri: '', to_uri: '' };

/** Returns who ended the call and why, and how often watchers were told of an end. */
function outcomeOf(inputs: readonly (EviEvent | string)[]) {
  let endedCount = 0;
  const correlator = new CallCorrelator(
    (entry) => entry,
    (_, event) => {
      if (event === 'Ended') endedCount++;
    },
  );
  inputs.forEach((input, at) => {
    if (typeof input !== 'string') correlator.onEvent(input, at);
    else if (input === requested) correlator.onEndRequested(CALLID);
    else if (input === missing) correlator.onMissing(CALLID, at, at);
    else if (input === listed) correlator.onDialog(ENDED_DIALOG, undefined, at);
    else correlator.onEndReply(CALLID, input === accepted, at);
  });
  const call = correlator.get(CALLID)?.call;
  return [call?.ended_by, call?.reason, endedCount];
}

it.each([
  ['nothing tells', [dialog(4), dialog(5)], 'unknown', 'hung up', 1],
  ['a party hangs up', [dialog(4), bye, dialog(5)], 'callee', 'hung up', 1],
  ['the event of the BYE comes after the end', [dialog(4), dialog(5), bye], 'callee', 'hung up', 2],
  ['the script refuses the call', [dialog(1), refused, dialog(5)], 'opensips', '404 Not Found', 1],
  ['the refusal is the first event', [refused, dialog(5)], 'opensips', '404 Not Found', 1],
  ['the refusal comes after the end', [dialog(5), refused], 'opensips', '404 Not Found', 2],
  ['a command ends it', [dialog(4), requested, accepted, dialog(5)], 'api', 'hung up', 1],
  ['the end comes before the reply', [dialog(4), requested, dialog(5), accepted], 'api', 'hung up', 1],
  [
    'a party is faster than a command',
    [dialog(4), requested, bye, dialog(5), notFound],
    'callee',
    'hung up',
    1,
  ],
  [
    'it was gone when a command wanted to end it',
    [dialog(4), requested, notFound, dialog(5)],
    'unknown',
    'hung up',
    1,
  ],
  [
    'it had ended before the command, as is known later',
    [dialog(4), requested, dialog(5), notFound],
    'unknown',
    'hung up',
    2,
  ],
  [
    'a second command finds it gone',
    [dialog(4), requested, accepted, requested, dialog(5), notFound],
    'api',
    'hung up',
    1,
  ],
  ['it is answered after a refusal', [dialog(2), refused, dialog(4), dialog(5)], 'unknown', 'hung up', 1],
  [
    'OpenSIPS does not know it, and then tells of its end',
    [dialog(4), missing, dialog(5)],
    'unknown',
    'hung up',
    2,
  ],
  ['OpenSIPS does not know it, and then tells who hung up', [dialog(4), missing, bye], 'callee', MISSING, 2],
  [
    'the list shows the end before the refusal',
    [dialog(2), listed, refused, dialog(5)],
    'opensips',
    '404 Not Found',
    2,
  ],
  ['the event of the answer was lost', [dialog(2), dialog(5, 4)], 'unknown', 'hung up', 1],
  [
    'that event was lost, and the list shows the end first',
    [dialog(2), listed, dialog(5, 4)],
    'unknown',
    'hung up',
    2,
  ],
] as const)('%s', (_, inputs, by, reason, count) => {
  expect(outcomeOf(inputs)).toEqual([by, reason, count]);
});

it('does not take a challenge for the refusal of the call that follows it', () => {
  const challenged = {
    ...refused,
    params: { ...refused.params, status: '407 Proxy Authentication Required' },
  };
  expect(outcomeOf([challenged as EviEvent, dialog(2), dialog(5)])).toEqual(['unknown', 'not answered', 1]);
});
