import { describe, expect, it } from 'vitest';
import { validate } from '../validation/validate.ts';
import { type CommandMethod, commandParams, isCommandMethod } from './commands.ts';

const alice = 'sip:alice@10.0.0.10';
const bob = 'sip:bob@10.0.0.11';
const callid = 'b8179f1e-4d0b@10.0.0.1';

/** Returns the error text for params; empty if they are valid. */
function errorText(method: CommandMethod, params: unknown): string {
  const parsed = validate(commandParams[method], params, 'params');
  return parsed.success ? '' : parsed.error;
}

describe('only the listed commands exist', () => {
  it.each([
    'CallStart',
    'CallEnd',
    'CallHold',
    'CallUnhold',
    'CallBlindTransfer',
    'CallAttendedTransfer',
    'Echo',
  ])('%s exists', (name) => {
    expect(isCommandMethod(name)).toBe(true);
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'callstart', 'CallStart ', '', 'kill'])(
    '%j does not exist',
    (name) => {
      expect(isCommandMethod(name)).toBe(false);
    },
  );
});

describe('valid params', () => {
  it.each<[CommandMethod, Record<string, unknown>]>([
    ['CallStart', { caller: alice, callee: bob }],
    ['CallEnd', { callid }],
    ['CallHold', { callid }],
    ['CallUnhold', { callid }],
    ['CallBlindTransfer', { callid, leg: 'callee', destination: bob }],
    ['CallAttendedTransfer', { callidA: callid, legA: 'caller', callidB: 'b', legB: 'callee' }],
    [
      'CallAttendedTransfer',
      { callidA: callid, legA: 'caller', callidB: 'b', legB: 'callee', destination: bob },
    ],
    ['Echo', { anything: [1, { goes: null }] }],
    ['Echo', {}],
  ])('%s %j', (method, params) => {
    expect(commandParams[method].parse(params)).toEqual(params);
    expect(commandParams[method].parse({ ...params, cmd_id: 'mine-1' })).toEqual({
      ...params,
      cmd_id: 'mine-1',
    });
  });

  it('unknown params are dropped, so that they cannot reach OpenSIPS', () => {
    expect(commandParams.CallHold.parse({ callid, side: 'caller', headers: 'X: 1' })).toEqual({ callid });
  });
});

describe('the error text names params that are missing or invalid', () => {
  it.each<[CommandMethod, Record<string, unknown>, string[]]>([
    ['CallStart', {}, ['caller', 'callee']],
    ['CallStart', { caller: alice }, ['callee']],
    ['CallStart', { caller: 1, callee: [bob] }, ['caller', 'callee']],
    ['CallStart', { caller: null, callee: { uri: bob } }, ['caller', 'callee']],
    ['CallEnd', {}, ['callid']],
    ['CallEnd', { callid: 7 }, ['callid']],
    ['CallBlindTransfer', { callid, destination: bob }, ['leg']],
    ['CallBlindTransfer', { callid, leg: 'both', destination: 'bob' }, ['leg', 'destination']],
    ['CallAttendedTransfer', { callidA: callid }, ['legA', 'callidB', 'legB']],
    [
      'CallAttendedTransfer',
      { callidA: 'a', legA: 'caller', callidB: 'b', legB: 'caller', destination: '' },
      ['destination'],
    ],
  ])('%s %j: %j', (method, params, names) => {
    expect([...errorText(method, params).matchAll(/(?:^|\. )(\w+): /g)].map(([, name]) => name)).toEqual(
      names,
    );
  });

  it('params cannot be inherited through a member named __proto__', () => {
    expect(errorText('CallEnd', JSON.parse(`{"__proto__":{"callid":"${callid}"}}`))).toMatch(/^callid: /);
  });
});

describe('text that could break out of a SIP header or an MI param is rejected', () => {
  const dangerous = ['\r\nX-Evil: 1', '\n', '\r', '\0', ' ', '\t', ';a=b\r\n', '<', '>', '"'];

  it.each(dangerous)('in a SIP URI: %j', (text) => {
    for (const uri of [`${alice}${text}`, `sip:al${text}ice@10.0.0.10`, `${text}${alice}`])
      expect(errorText('CallStart', { caller: uri, callee: bob })).toMatch(/^caller: /);
  });

  it.each(['a\r\nX-Evil: 1', 'a\n', 'a\0', 'a b', 'a,b', 'a;b', 'a@b@c', '@a', 'a@', 'é', ''])(
    'in a Call-ID: %j',
    (callid) => {
      expect(errorText('CallEnd', { callid })).toMatch(/^callid: .* is not a Call-ID\. /);
    },
  );

  it('as is a Call-ID of more than 4,096 characters', () => {
    expect(errorText('CallEnd', { callid: 'a'.repeat(4_096) })).toBe('');
    expect(errorText('CallEnd', { callid: 'a'.repeat(4_097) })).toMatch(/^callid: /);
  });

  it('as is an attended transfer from a call to itself', () => {
    const params = { callidA: 'a', legA: 'caller', callidB: 'a', legB: 'callee' };
    expect(errorText('CallAttendedTransfer', params)).toBe(
      'callidB: "a" is the same call as callidA. Use the Call-ID of another call.',
    );
    expect(errorText('CallAttendedTransfer', { ...params, callidB: 'b' })).toBe('');
  });

  it.each(['0-.!%*_+`\'~()<>:\\"/[]?{}', 'f81d4fae-7dec@biloxi.example.com', 'c067029b'])(
    'but all Call-IDs of RFC 3261 are valid, such as %s',
    (text) => {
      expect(errorText('CallEnd', { callid: text })).toBe('');
    },
  );
});

describe('cmd_id', () => {
  it.each(['', 'a', '0.A-z_~', 'x'.repeat(64), 'b8179f1e-4d0b-4a57-9a1e-2f6d8c1e7a90'])(
    'may be %j',
    (cmd_id) => {
      expect(errorText('Echo', { cmd_id })).toBe('');
    },
  );

  it.each(['x'.repeat(65), 'a b', 'a/b', 'a\n', 'é', 7, null])('may not be %j', (cmd_id) => {
    expect(errorText('Echo', { cmd_id })).toMatch(/^cmd_id: /);
  });
});

describe('timeout of CallStart', () => {
  const parseTimeout = (timeout: unknown) =>
    commandParams.CallStart.safeParse({ caller: alice, callee: bob, timeout });

  it.each([
    [5, 5],
    [180, 180],
    ['5', 5],
    ['060', 60],
  ])('%j is %i seconds', (timeout, seconds) => {
    expect(parseTimeout(timeout).data?.timeout).toBe(seconds);
  });

  it.each([4, 181, 0, -5, 7.5, Number.NaN, '4', '181', '', '6s', ' 60', '6e1', '0x3c', null, true, [60]])(
    '%j is rejected',
    (timeout) => {
      expect(parseTimeout(timeout).success).toBe(false);
    },
  );
});
