import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type NotificationsByRequest, replay } from './testing/replay.ts';

const folder = new URL('../../simulator/traces/', import.meta.url);

const callerAnswered = (callee: string) => [
  'CallerRinging',
  'CallerAnswered',
  `Transferring > ${callee}@127.0.0.1:5060`,
];
/** A successful click to dial. `call` is the letter of the call that it makes. */
const connected = (callee: string, call = 'B') => [
  ...callerAnswered(callee),
  `TransferStart ${call}`,
  `CalleeAnswered ${call}`,
  'Ended',
];
const failed = (sentence: string) => [`Error: ${sentence}`, 'Ended'];
const ended = ['Ended'];
/** The routing script refuses the destination. */
const REFUSED =
  'transfer failed: OpenSIPS refused the call to the destination before it rang, or no phone responded';
/** OpenSIPS raises no event if the phone rejects the REFER. */
const NOT_REACHED =
  'transfer failed: the phone did not accept it, or did not reach the destination, within 10 s';

/**
 * The notifications of each command, by the id of its recorded request. Call-IDs are letters in the order of their
 * events.
 */
const expectedNotifications: Record<string, NotificationsByRequest> = {
  'start-ok': { 4: connected('bob'), 8: ended },
  'start-ok-leg-kept': { 4: connected('bob'), 8: ended },
  'start-progress': {
    4: [
      ...callerAnswered('answer-2000'),
      'TransferStart B',
      'TransferPending B 180 Ringing',
      'CalleeAnswered B',
      'Ended',
    ],
    7: ended,
  },
  'start-unmatched': { 4: connected('bob'), 8: ended },
  'start-unmatched-bare': { 4: connected('bob'), 8: ended },
  'caller-404': { 4: failed('failed to establish initial call: 404 Not Found') },
  'caller-busy': { 4: failed('failed to establish initial call: 486 Busy Here') },
  'caller-cancel': { 4: failed('failed to establish initial call: 408 Request Timeout') },
  'caller-silent': { 4: failed('failed to establish initial call: 408 Request Timeout'), 6: ended },
  'caller-rings-ended': {
    4: ['CallerRinging', ...failed('failed to establish initial call: 487 Request Terminated')],
    6: ended,
  },
  'refer-refused': {
    4: [...callerAnswered('bob'), ...failed(NOT_REACHED)],
  },
  'callee-404': { 4: [...callerAnswered('nobody'), ...failed(REFUSED)] },
  'callee-busy': { 4: [...callerAnswered('busy'), ...failed(REFUSED)] },
  'callee-decline': {
    4: [
      ...callerAnswered('decline'),
      'TransferStart B',
      ...failed('transfer failed with status 603 Decline'),
    ],
  },
  'callee-silent': {
    4: [
      ...callerAnswered('silent'),
      'TransferStart B',
      ...failed('transfer failed with status 408 Request Timeout'),
    ],
  },
  'caller-gives-up': {
    4: [
      ...callerAnswered('ring'),
      'TransferStart B',
      ...failed('transfer failed with status 487 Request Terminated'),
    ],
  },
  'end-mid-transfer': {
    4: [
      ...callerAnswered('answer-2000'),
      'TransferStart B',
      ...failed('transfer failed with status 487 Request Terminated'),
    ],
    6: ended,
    7: ended,
  },
  hold: {
    4: connected('bob'),
    7: failed('480 No dialog legs on hold'),
    8: [
      'CallHolding',
      'CallHoldStart caller',
      'CallHoldStart callee',
      'CallHoldSuccessful caller',
      'CallHoldSuccessful callee',
      'Ended',
    ],
    9: failed('480 Both dialog legs are on hold'),
    10: [
      'CallUnholding',
      'CallUnholdStart callee',
      'CallUnholdStart caller',
      'CallUnholdSuccessful callee',
      'CallUnholdSuccessful caller',
      'Ended',
    ],
    13: ended,
    14: failed('404 Dialog not found'),
  },
  'hold-refused': {
    4: [
      ...callerAnswered('nohold'),
      'TransferStart B',
      'TransferPending B 200 OK',
      'CalleeAnswered B',
      'Ended',
    ],
    7: [
      'CallHolding',
      'CallHoldStart caller',
      'CallHoldStart callee',
      'CallHoldSuccessful caller',
      'CallHoldFailed callee',
      ...failed('hold failed: the callee refused or did not answer. OpenSIPS does not report the status'),
    ],
    8: failed('480 Both dialog legs are on hold'),
    9: [
      'CallUnholding',
      'CallUnholdStart callee',
      'CallUnholdStart caller',
      'CallUnholdFailed callee',
      'CallUnholdSuccessful caller',
      ...failed('unhold failed: the callee refused or did not answer. OpenSIPS does not report the status'),
    ],
    10: ended,
  },
  blind: {
    4: connected('bob'),
    7: [
      'Transferring > carol@127.0.0.1:5060',
      'TransferStart C > carol-0x562a79b87cf0@127.0.0.1:5090',
      'TransferSuccessful C > carol-0x562a79b87cf0@127.0.0.1:5090',
      'Ended',
    ],
    10: ended,
  },
  'blind-busy': {
    4: connected('bob'),
    7: ['Transferring > busy@127.0.0.1:5060', ...failed(REFUSED)],
    8: failed('491 Request Pending'),
  },
  'transfer-twice': {
    4: connected('bob'),
    7: [
      'Transferring > busy@127.0.0.1:5060',
      'TransferStart C > busy@127.0.0.1:40942',
      ...failed('transfer failed with status 486 Busy Here'),
    ],
    8: failed('491 Request Pending'),
    9: ended,
  },
  attended: {
    4: connected('bob'),
    7: connected('dave', 'D'),
    10: [
      'Transferring',
      'TransferStart E > dave@127.0.0.1:57599',
      'TransferSuccessful E > dave@127.0.0.1:57599',
      'Ended',
    ],
    13: failed('404 Requested Dialog not found'),
  },
  'attended-refused': {
    4: connected('bob'),
    7: connected('norep', 'D'),
    10: [
      'Transferring',
      'TransferStart E > norep@127.0.0.1:37685',
      ...failed('transfer failed with status 486 Busy Here'),
    ],
    11: ended,
    12: ended,
  },
  'callee-followed': {
    4: [
      'CallerRinging',
      'CallerAnswered',
      'Transferring > redir@127.0.0.1:5060',
      'TransferStart B',
      'TransferPending B 200 OK',
      'CalleeAnswered B',
      'Ended',
    ],
    7: ended,
    8: ended,
    9: connected('gw', 'D'),
    12: ended,
    13: ended,
  },
  'callee-followed-4.0': {
    4: [
      'CallerRinging',
      'CallerAnswered',
      'Transferring > redir@127.0.0.1:5060',
      'TransferStart B',
      'TransferPending B 200 OK',
      'CalleeAnswered B',
      'Ended',
    ],
    7: ended,
    8: ended,
    9: connected('gw', 'D'),
    12: ended,
    13: ended,
  },
  'hold-vanished': {
    4: connected('bob'),
    6: ended,
    7: [
      'CallHolding',
      'CallHoldStart caller',
      'CallHoldStart callee',
      ...failed(
        'CallHold: no response from the caller and the callee arrived within 35 s. The command may or may not have been carried out.',
      ),
    ],
  },
  'hold-vanished-4.0': {
    4: connected('bob'),
    6: ended,
    7: [
      'CallHolding',
      'CallHoldStart caller',
      'CallHoldStart callee',
      'CallHoldFailed caller',
      'CallHoldFailed callee',
      ...failed(
        'hold failed: the caller and the callee refused or did not answer. OpenSIPS does not report the status',
      ),
    ],
  },
  'refer-accepted-nothing': { 4: [...callerAnswered('bob'), ...failed(NOT_REACHED)] },
  'sequential-start': {
    4: [
      'CallerRinging',
      'CallerAnswered',
      'Transferring > bob@127.0.0.1:5060',
      'TransferStart B',
      'TransferPending B 180 Ringing',
      'CalleeAnswered B',
      'Ended',
    ],
  },
  'sequential-refer-refused': {
    4: connected('norefer'),
    6: ended,
    7: failed('transfer failed with status 603 Decline'),
    8: ended,
  },
  'sequential-refer-three': {
    4: connected('bob'),
    6: ended,
    8: [
      'Transferring > busy@127.0.0.1:5060',
      'TransferStart C > busy@127.0.0.1:44393',
      ...failed('transfer failed with status 486 Busy Here'),
    ],
    9: ['Transferring > nobody@127.0.0.1:5060', ...failed(REFUSED)],
    10: [
      'Transferring > carol@127.0.0.1:5060',
      'TransferStart E > carol@127.0.0.1:43873',
      'TransferPending E > carol@127.0.0.1:43873 180 Ringing',
      'TransferSuccessful E > carol@127.0.0.1:43873',
      'Ended',
    ],
    11: ended,
  },
  'sequential-refer-after-491': {
    4: connected('bob'),
    6: ended,
    7: [
      'Transferring > busy@127.0.0.1:5060',
      'TransferStart C > busy@127.0.0.1:44393',
      ...failed('transfer failed with status 486 Busy Here'),
    ],
    8: failed('491 Request Pending'),
    10: [
      'Transferring > carol@127.0.0.1:5060',
      'TransferStart D > carol@127.0.0.1:43873',
      'TransferPending D > carol@127.0.0.1:43873 180 Ringing',
      'TransferSuccessful D > carol@127.0.0.1:43873',
      'Ended',
    ],
    11: ended,
  },
  'sequential-requests': {
    4: connected('bob'),
    10: ['CallHolding', 'CallHoldStart callee', 'CallHoldSuccessful callee', 'Ended'],
    11: ['CallUnholding', 'CallUnholdStart callee', 'CallUnholdSuccessful callee', 'Ended'],
    12: ['CallHolding', 'CallHoldStart caller', 'CallHoldSuccessful caller', 'Ended'],
    13: ['CallUnholding', 'CallUnholdStart caller', 'CallUnholdSuccessful caller', 'Ended'],
    14: ended,
  },
  'sequential-vanished': {
    4: [
      'CallerRinging',
      'CallerAnswered',
      'Transferring > bob@127.0.0.1:5060',
      'TransferStart B',
      'TransferPending B 200 OK',
      'CalleeAnswered B',
      'Ended',
    ],
    8: [
      'CallHolding',
      'CallHoldStart callee',
      'CallHoldFailed callee',
      ...failed('hold failed: the callee responded 408 Request Timeout'),
    ],
  },
  'sequential-vanished-4.0': {
    4: connected('bob'),
    8: [
      'CallHolding',
      'CallHoldStart callee',
      'CallHoldFailed callee',
      ...failed('hold failed: the callee responded 408 Request Timeout'),
    ],
  },
  'opensips-restart': {
    4: connected('bob'),
    11: failed('404 Requested Dialog not found'),
    12: failed('404 Dialog not found'),
  },
};

/** In these traces a command starts while another one runs. In the others each waits for the previous one. */
const overlappingTraces = ['blind-busy', 'caller-rings-ended', 'caller-silent', 'end-mid-transfer'];

it.each(Object.entries(expectedNotifications))(
  'commands replayed from trace %s send the documented notifications',
  (name, expected) => {
    const trace = readFileSync(new URL(`${name}.jsonl`, folder), 'utf8');
    expect(replay(trace, Object.keys(expected).map(Number), overlappingTraces.includes(name))).toEqual(
      expected,
    );
  },
);

it('every recorded trace with a call is replayed', () => {
  const names = readdirSync(folder).map((file) => file.replace('.jsonl', ''));
  expect(Object.keys(expectedNotifications).toSorted()).toEqual(
    names.filter((name) => name !== 'about').toSorted(),
  );
});
