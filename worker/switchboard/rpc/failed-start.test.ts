/** A command that cannot be started is answered with an error, and is not taken for a started one afterward. */
import { expect, it, vi } from 'vitest';
import { Runner } from '../../../shared/runner/runner.ts';
import { type DispatchContext, dispatch } from './dispatch.ts';

const client = { subject: 'tester', session: 'one', scopes: ['CallEnd'], key: 'key' } as never;
const request = {
  jsonrpc: '2.0',
  id: 1,
  method: 'CallEnd',
  params: { callid: 'call', cmd_id: 'a' },
} as const;

function contextOf(runner: Runner, changes: Partial<DispatchContext>): DispatchContext {
  return {
    runner,
    findEnded: () => undefined,
    chooseAdapter: () => ({
      opensips: { version: 'OpenSIPS (3.6.8)', next_hop: 'sip:10.0.0.1:5060', reachable: true },
    }),
    rules: [],
    ownerOf: () => undefined,
    metadataOf: () => undefined,
    dialogState: () => undefined,
    isKnown: () => false,
    heldLegs: () => undefined,
    onStarted: () => {},
    chargeRepeat: () => undefined,
    countCommand: () => undefined,
    now: 0,
    ...changes,
  };
}

function fail(): never {
  throw new Error('test');
}

it.each<[string, Partial<DispatchContext>]>([
  ['when its state machine throws', { isKnown: fail }],
  ['when its calls cannot be registered', { onStarted: fail }],
])('%s', (_, broken) => {
  const silenced = vi.spyOn(console, 'error').mockImplementation(() => {});
  const runner = new Runner('epoch', 1, []);
  runner.onLinkUp('stream', 0);
  expect(dispatch(request, client, contextOf(runner, broken))).toMatchObject({ error: { code: -32603 } });
  expect(runner.takeOutput()).toEqual({ rows: [], requests: [], notifications: [] });
  expect(dispatch(request, client, contextOf(runner, {}))).toEqual({
    jsonrpc: '2.0',
    id: 1,
    result: { cmd_id: 'a', event: 'Started' },
  });
  expect(runner.takeOutput().requests).toMatchObject([{ method: 'dlg_end_dlg' }]);
  silenced.mockRestore();
});
