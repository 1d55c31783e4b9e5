/** Calls that go on after a challenge or a redirection: two dialogs with one Call-ID. */
import { describe, expect, test } from 'vitest';
import type { Dialog, Simulator } from './index.ts';
import { transferParams, uacParams } from './testing/click-to-dial.ts';
import { referParams, transferStates, waitForResults, waitForState } from './testing/in-dialog.ts';
import { useSimulators } from './testing/start-simulator.ts';

const start = useSimulators();

/** Returns the dialog that has ended and the one that stands. */
function dialogsOf(simulator: Simulator, callid: string): [Readonly<Dialog>, Readonly<Dialog>] {
  const [dead, standing, ...rest] = simulator.ledger.findDialogs(callid);
  if (dead === undefined || standing === undefined || rest.length > 0) throw new Error('not two dialogs');
  return [dead, standing];
}

describe('a call that goes on after a refusal', () => {
  test.each([
    ['follow', 'gw', '407 Proxy Authentication Required', 'gw'],
    ['follow', 'gw401', '401 Unauthorized', 'gw401'],
    ['follow', 'redir', '302 Moved Temporarily', 'vm'],
    ['alice', 'challenge', '407 Proxy Authentication Required', 'challenge'],
  ])('of %s to %s has the same Call-ID in a second dialog', async (from, to, refusal, answeredBy) => {
    const [simulator, client] = await start();
    const callid = await simulator.dial({ from, to });
    const [dead, standing] = dialogsOf(simulator, callid);
    expect(dead).toMatchObject({ state: 5, reason: refusal, caller: { tag: standing.caller.tag } });
    expect(standing).toMatchObject({ state: 4, to: dead.to, callee: { user: answeredBy } });
    expect(standing.dialogId).not.toBe(dead.dialogId);

    expect(await client.request('dlg_list', { callid })).toEqual({ code: 404, message: 'No such dialog' });
    const { Dialogs } = Object(await client.request('dlg_list'));
    expect(Dialogs).toMatchObject([
      { ID: dead.dialogId, callid, state: 5 },
      { ID: standing.dialogId, callid, state: 4 },
    ]);
    expect(await client.request('call_hold', { callid })).toBe('OK');
    await client.waitFor(() => client.events('E_CALL_HOLD').length === 4);
    expect(await client.request('dlg_send_sequential', { callid, method: 'OPTIONS' })).toMatchObject({
      Code: 200,
    });
    expect(await client.request('dlg_end_dlg', { dialog_id: dead.dialogId })).toMatchObject({ code: 404 });
    expect(await client.request('dlg_end_dlg', { dialog_id: standing.dialogId })).toBe('OK');
    await client.waitFor(() => standing.state === 5);
  });

  test.each(['gw', 'gw401', 'redir'])(
    'does not go on after %s with a phone that does not follow',
    async (to) => {
      const [simulator] = await start();
      await expect(simulator.dial({ from: 'alice', to })).rejects.toThrow(
        /^\w+ did not answer alice: (?:302|401|407) /,
      );
      expect(simulator.ledger.dialogs).toHaveLength(1);
    },
  );

  test('is found by dlg_list again when the dead dialog is no longer listed', async () => {
    const [simulator, client] = await start({ timers: { listedAfterEndMs: 0 } });
    const callid = await simulator.dial({ from: 'alice', to: 'challenge' });
    const [, standing] = dialogsOf(simulator, callid);
    await expect
      .poll(() => client.request('dlg_list', { callid }))
      .toMatchObject({ Dialog: { ID: standing.dialogId } });
  });

  test('can be transferred by call_transfer, which takes the dialog that stands', async () => {
    const [simulator, client] = await start();
    const callid = await simulator.dial({ from: 'alice', to: 'challenge' });
    expect(await client.request('call_transfer', transferParams(callid, 'bob'))).toBe('Accepted');
    await waitForResults(client, callid, 1);
    const [, standing] = dialogsOf(simulator, callid);
    expect(simulator.ledger.dialogs.at(-1)?.to).toBe(`sip:bob@127.0.0.1:5060;osid=${standing.dialogId}`);
  });
});

describe('a transferred phone', () => {
  test.each(['alice', 'keep', 'follow'])(
    '%s goes on after the challenge of the script, of which there is no event',
    async (user) => {
      const [simulator, client] = await start();
      await client.request('t_uac_dlg', uacParams('first', user, 'challenge'));
      await waitForState(client, 'first', 4);
      await client.request('call_transfer', transferParams('first', 'challenge'));
      await waitForResults(client, 'first', 1);
      expect(transferStates(client, 'first').filter((state) => !state.startsWith('notify'))).toEqual([
        'start',
        'ok 200 OK',
      ]);
      const [dead] = dialogsOf(simulator, simulator.ledger.dialogs.at(-1)?.callid ?? '');
      expect(dead).toMatchObject({ state: 5, callee: { tag: undefined } });
    },
  );

  test('follow goes on after 407 and 302 also with dlg_send_sequential', async () => {
    const [simulator, client] = await start();
    const callid = await simulator.dial({ from: 'alice', to: 'follow' });
    const { dialogId = '' } = simulator.ledger.findDialog(callid) ?? {};
    await client.request('dlg_send_sequential', referParams({ callid, dialogId }, 'gw'));
    await waitForResults(client, callid, 2);
    await client.request('dlg_send_sequential', referParams({ callid, dialogId }, 'redir'));
    await waitForResults(client, callid, 3);
    expect(transferStates(client, callid)).toEqual([
      'start',
      'fail 407 Proxy Authentication Required',
      'start',
      'ok 200 OK',
      'start',
      'fail 302 Moved Temporarily',
    ]);
    await client.waitFor(() => simulator.ledger.dialogs.at(-1)?.state === 4);
    expect(simulator.ledger.dialogs.at(-1)).toMatchObject({
      callee: { user: 'vm' },
      transferredFrom: callid,
    });
  });

  test('lazy accepts the REFER and does nothing', async () => {
    const [simulator, client] = await start();
    const callid = await simulator.dial({ from: 'alice', to: 'lazy' });
    const { dialogId = '' } = simulator.ledger.findDialog(callid) ?? {};
    expect(await client.request('dlg_send_sequential', referParams({ callid, dialogId }, 'bob'))).toEqual({
      Code: 202,
      Reason: 'Accepted',
    });
    await client.request('version');
    expect(simulator.ledger.dialogs).toHaveLength(1);
    expect(client.events('E_CALL_TRANSFER')).toEqual([]);
  });
});
