/** JSON-RPC over UDP, beyond what trace `about` shows. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../index.ts';
import { uacParams } from '../testing/click-to-dial.ts';
import { TestClient } from '../testing/test-client.ts';

describe('MI', () => {
  let simulator: Simulator;
  let client: TestClient;
  beforeEach(async () => {
    simulator = await startSimulator({ delayFactor: 0 });
    client = await TestClient.open(simulator.mi);
  });
  afterEach(async () => {
    await Promise.all([simulator.close(), client.close()]);
  });

  const TOO_FEW = { code: -32602, message: 'Invalid params', data: 'Too few or too many parameters' };

  test.each([7, 'seven', 'a:b:c'])('returns the id %s unchanged', async (id) => {
    client.send({ jsonrpc: '2.0', id, method: 'version' });
    await client.waitFor((received) => received.length === 1);
    expect(client.received[0]?.msg).toMatchObject({
      id,
      result: { Server: 'OpenSIPS (3.6.8 (x86_64/linux))' },
    });
  });

  test('replies in plain text to a datagram that is not JSON, and with an error to JSON that is not a request', async () => {
    client.send('{');
    client.send([]);
    await client.waitFor((received) => received.length === 2);
    const invalid = { jsonrpc: '2.0', error: { code: -32600, message: 'Invalid Request' }, id: null };
    expect(client.received.map(({ msg }) => msg)).toEqual(['400 Parse_error', invalid]);
  });

  test('does not reply to a request without an id', async () => {
    client.send({ jsonrpc: '2.0', method: 'version' });
    await client.request('version');
    expect(client.received).toHaveLength(1);
  });

  test('matches a command by the names and the number of its parameters', async () => {
    expect(await client.request('no_such')).toEqual({ code: -32601, message: 'Method not found' });
    expect(await client.request('call_hold')).toEqual(TOO_FEW);
    expect(await client.request('call_hold', { callid: 'a', extra: 1 })).toEqual(TOO_FEW);
    expect(await client.request('dlg_list', { callid: null })).toEqual(TOO_FEW);
    expect(await client.request('call_hold', { call: 'a' })).toMatchObject({ code: -32602 });
    expect(await client.request('call_hold', ['a'])).toMatchObject({ code: -32602 });
    expect(await client.request('call_hold', { callid: 7 })).toMatchObject({ code: -32602 });
  });

  test('t_uac_dlg rejects a Content-Length, and headers without From or To', async () => {
    const params = uacParams('a', 'alice', 'bob');
    const headers = params['headers'] ?? '';
    const requestWith = (changed: string) => client.request('t_uac_dlg', { ...params, headers: changed });
    expect(await requestWith(`${headers}Content-Length: 5\r\n`)).toMatchObject({
      message: 'Content-Length disallowed',
    });
    expect(await requestWith(headers.replace('From:', 'X-From:'))).toEqual({
      code: 400,
      message: 'From missing',
    });
    expect(await requestWith(headers.replace('To:', 'X-To:'))).toEqual({ code: 400, message: 'To missing' });
  });

  test('t_uac_dlg replies with a SIP message that has the right Content-Length', async () => {
    for (const user of ['alice', 'keep', 'nobody', 'phone-busy']) {
      const { Message } = Object(await client.request('t_uac_dlg', uacParams(`of-${user}`, user, 'bob')));
      const [head, body] = Message.split('\r\n\r\n');
      expect(head).toContain(`Content-Length: ${Buffer.byteLength(body)}`);
    }
  });

  test('replaces a reply that is too large for a datagram by plain text; paging avoids that', async () => {
    await Promise.all(
      Array.from({ length: 60 }, (_, n) => simulator.dial({ from: `alice.${n}`, to: 'bob' })),
    );
    client.send({ jsonrpc: '2.0', id: 1, method: 'dlg_list' });
    await client.waitFor((received) => received.length === 1);
    expect(client.received[0]?.msg).toBe('500 Internal error');

    const listed: string[] = [];
    for (let index = 0; index < 60; index += 25) {
      const { count, Dialogs } = Object(await client.request('dlg_list', { index, counter: 25 }));
      expect(count).toBe(60);
      listed.push(...Dialogs.map((dialog: { callid: string }) => dialog.callid));
    }
    expect(listed.toSorted()).toEqual(simulator.ledger.dialogs.map(({ callid }) => callid).toSorted());
    expect(await client.request('dlg_list', { index: 60, counter: 25 })).toEqual({ count: 60, Dialogs: [] });
    expect(await client.request('get_statistics', { statistics: ['dialog:active_dialogs'] })).toEqual({
      'dialog:active_dialogs': 60,
    });
  });

  test('raise_event sends an event to its subscribers', async () => {
    expect(await client.request('raise_event', { event: 'E_CALL_HOLD' })).toMatchObject({ code: 480 });
    await client.subscribe();
    expect(await client.request('raise_event', { event: 'E_CALL_HOLD', params: { callid: 'a' } })).toBe('OK');
    await client.waitFor(() => client.events('E_CALL_HOLD').length === 1);
    expect(client.events('E_CALL_HOLD')).toEqual([{ callid: 'a' }]);
  });
});
