/** JSON-RPC over UDP, beside what trace `about` shows. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../index.ts';
import { uac } from '../testing/click-to-dial.ts';
import { Peer } from '../testing/peer.ts';

describe('MI', () => {
  let simulator: Simulator;
  let peer: Peer;
  beforeEach(async () => {
    simulator = await startSimulator({ gaps: 0 });
    peer = await Peer.open(simulator.mi);
  });
  afterEach(async () => {
    await Promise.all([simulator.close(), peer.close()]);
  });

  const TOO_FEW = { code: -32602, message: 'Invalid params', data: 'Too few or too many parameters' };

  test.each([7, 'seven', 'a:b:c'])('gives the id %s back as it came', async (id) => {
    peer.send({ jsonrpc: '2.0', id, method: 'version' });
    await peer.until((received) => received.length === 1);
    expect(peer.received[0]?.msg).toMatchObject({
      id,
      result: { Server: 'OpenSIPS (3.6.8 (x86_64/linux))' },
    });
  });

  test('answers plain text to what is no JSON, and an error to JSON that is no request', async () => {
    peer.send('{');
    peer.send([]);
    await peer.until((received) => received.length === 2);
    const invalid = { jsonrpc: '2.0', error: { code: -32600, message: 'Invalid Request' }, id: null };
    expect(peer.received.map(({ msg }) => msg)).toEqual(['400 Parse_error', invalid]);
  });

  test('answers nothing to a request without an id', async () => {
    peer.send({ jsonrpc: '2.0', method: 'version' });
    await peer.ask('version');
    expect(peer.received).toHaveLength(1);
  });

  test('knows a command by the names and the number of its parameters', async () => {
    expect(await peer.ask('no_such')).toEqual({ code: -32601, message: 'Method not found' });
    expect(await peer.ask('call_hold')).toEqual(TOO_FEW);
    expect(await peer.ask('call_hold', { callid: 'a', extra: 1 })).toEqual(TOO_FEW);
    expect(await peer.ask('dlg_list', { callid: null })).toEqual(TOO_FEW);
    expect(await peer.ask('call_hold', { call: 'a' })).toMatchObject({ code: -32602 });
    expect(await peer.ask('call_hold', ['a'])).toMatchObject({ code: -32602 });
    expect(await peer.ask('call_hold', { callid: 7 })).toMatchObject({ code: -32602 });
  });

  test('t_uac_dlg refuses a Content-Length and headers that lack From or To', async () => {
    const params = uac('a', 'alice', 'bob');
    const headers = params['headers'] ?? '';
    const ask = (changed: string) => peer.ask('t_uac_dlg', { ...params, headers: changed });
    expect(await ask(`${headers}Content-Length: 5\r\n`)).toMatchObject({
      message: 'Content-Length disallowed',
    });
    expect(await ask(headers.replace('From:', 'X-From:'))).toEqual({ code: 400, message: 'From missing' });
    expect(await ask(headers.replace('To:', 'X-To:'))).toEqual({ code: 400, message: 'To missing' });
  });

  test('the reply of t_uac_dlg is a SIP message whose Content-Length is right', async () => {
    for (const user of ['alice', 'keep', 'nobody', 'phone-busy']) {
      const { Message } = Object(await peer.ask('t_uac_dlg', uac(`of-${user}`, user, 'bob')));
      const [head, body] = Message.split('\r\n\r\n');
      expect(head).toContain(`Content-Length: ${Buffer.byteLength(body)}`);
    }
  });

  test('a reply that is too large for a datagram becomes plain text, and pages go round that', async () => {
    await Promise.all(
      Array.from({ length: 60 }, (_, at) => simulator.dial({ from: `alice.${at}`, to: 'bob' })),
    );
    peer.send({ jsonrpc: '2.0', id: 1, method: 'dlg_list' });
    await peer.until((received) => received.length === 1);
    expect(peer.received[0]?.msg).toBe('500 Internal error');

    const listed: string[] = [];
    for (let index = 0; index < 60; index += 25) {
      const { count, Dialogs } = Object(await peer.ask('dlg_list', { index, counter: 25 }));
      expect(count).toBe(60);
      listed.push(...Dialogs.map((dialog: { callid: string }) => dialog.callid));
    }
    expect(listed.toSorted()).toEqual(simulator.ledger.dialogs.map(({ callid }) => callid).toSorted());
    expect(await peer.ask('dlg_list', { index: 60, counter: 25 })).toEqual({ count: 60, Dialogs: [] });
    expect(await peer.ask('get_statistics', { statistics: ['dialog:active_dialogs'] })).toEqual({
      'dialog:active_dialogs': 60,
    });
  });

  test('raise_event sends an event to those who have subscribed', async () => {
    expect(await peer.ask('raise_event', { event: 'E_CALL_HOLD' })).toMatchObject({ code: 480 });
    await peer.subscribe();
    expect(await peer.ask('raise_event', { event: 'E_CALL_HOLD', params: { callid: 'a' } })).toBe('OK');
    await peer.until(() => peer.events('E_CALL_HOLD').length === 1);
    expect(peer.events('E_CALL_HOLD')).toEqual([{ callid: 'a' }]);
  });
});
