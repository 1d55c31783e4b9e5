import { describe, expect, it } from 'vitest';
import { issues } from './jsonrpc.ts';
import { isMethod, type Method, methods } from './methods.ts';

const alice = 'sip:alice@10.0.0.10';
const bob = 'sip:bob@10.0.0.11';
const callid = 'b8179f1e-4d0b@10.0.0.1';

/** What a client is told of its params: `''` where they are taken. */
function wrong(method: Method, params: unknown): string {
  const checked = methods[method].safeParse(params);
  return checked.success ? '' : issues(checked.error);
}

describe('a method is looked up in the list and nowhere else', () => {
  it.each([
    'CallStart',
    'CallEnd',
    'CallHold',
    'CallUnhold',
    'CallBlindTransfer',
    'CallAttendedTransfer',
    'Echo',
  ])('%s is there', (name) => {
    expect(isMethod(name)).toBe(true);
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'callstart', 'CallStart ', '', 'kill'])(
    '%j is not',
    (name) => {
      expect(isMethod(name)).toBe(false);
    },
  );
});

describe('params that are taken', () => {
  it.each<[Method, Record<string, unknown>]>([
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
    expect(methods[method].parse(params)).toEqual(params);
    expect(methods[method].parse({ ...params, cmd_id: 'mine-1' })).toEqual({ ...params, cmd_id: 'mine-1' });
  });

  it('what a method does not know is left out, so it cannot reach OpenSIPS', () => {
    expect(methods.CallHold.parse({ callid, side: 'caller', headers: 'X: 1' })).toEqual({ callid });
  });
});

describe('what is missing or of the wrong type is named', () => {
  it.each<[Method, Record<string, unknown>, string[]]>([
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
  ])('%s %j: %j', (method, params, named) => {
    expect(
      wrong(method, params)
        .split('; ')
        .map((issue) => issue.split(':')[0]),
    ).toEqual(named);
  });

  it('a member named __proto__ brings in nothing', () => {
    expect(wrong('CallEnd', JSON.parse(`{"__proto__":{"callid":"${callid}"}}`))).toMatch(/^callid: /);
  });
});

describe('nothing that could break out of a SIP header or an MI param is taken', () => {
  const dangerous = ['\r\nX-Evil: 1', '\n', '\r', '\0', ' ', '\t', ';a=b\r\n', '<', '>', '"'];

  it.each(dangerous)('in a SIP URI: %j', (text) => {
    for (const uri of [`${alice}${text}`, `sip:al${text}ice@10.0.0.10`, `${text}${alice}`])
      expect(wrong('CallStart', { caller: uri, callee: bob })).toMatch(/^caller: /);
  });

  it.each(['a\r\nX-Evil: 1', 'a\n', 'a\0', 'a b', 'a,b', 'a;b', 'a@b@c', '@a', 'a@', 'é', ''])(
    'in a Call-ID: %j',
    (callid) => {
      expect(wrong('CallEnd', { callid })).toBe('callid: not a Call-ID');
    },
  );

  it('a Call-ID is at most 256 characters', () => {
    expect(wrong('CallEnd', { callid: 'a'.repeat(256) })).toBe('');
    expect(wrong('CallEnd', { callid: 'a'.repeat(257) })).toMatch(/^callid: /);
  });

  it.each(['0-.!%*_+`\'~()<>:\\"/[]?{}', 'f81d4fae-7dec@biloxi.example.com', 'c067029b'])(
    'though RFC 3261 allows a Call-ID like %s',
    (text) => {
      expect(wrong('CallEnd', { callid: text })).toBe('');
    },
  );
});

describe('cmd_id', () => {
  it.each(['', 'a', '0.A-z_~', 'x'.repeat(64), 'b8179f1e-4d0b-4a57-9a1e-2f6d8c1e7a90'])(
    'may be %j',
    (cmd_id) => {
      expect(wrong('Echo', { cmd_id })).toBe('');
    },
  );

  it.each(['x'.repeat(65), 'a b', 'a/b', 'a\n', 'é', 7, null])('may not be %j', (cmd_id) => {
    expect(wrong('Echo', { cmd_id })).toMatch(/^cmd_id: /);
  });
});

describe('timeout of CallStart', () => {
  const timed = (timeout: unknown) => methods.CallStart.safeParse({ caller: alice, callee: bob, timeout });

  it.each([
    [5, 5],
    [180, 180],
    ['5', 5],
    ['060', 60],
  ])('%j is %i seconds', (given, seconds) => {
    expect(timed(given).data?.timeout).toBe(seconds);
  });

  it.each([4, 181, 0, -5, 7.5, Number.NaN, '4', '181', '', '6s', ' 60', '6e1', '0x3c', null, true, [60]])(
    '%j is refused',
    (given) => {
      expect(timed(given).success).toBe(false);
    },
  );
});
