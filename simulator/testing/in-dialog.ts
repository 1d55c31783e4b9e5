/** MI requests within the dialog of a call, and what came of them. @module */
import type { Dialog } from '../index.ts';
import type { TestClient } from './test-client.ts';

/** Returns the parameters of a REFER to the callee's phone by `dlg_send_sequential`. */
export const referParams = (
  { callid, dialogId }: Pick<Dialog, 'callid' | 'dialogId'>,
  to: string,
): Record<string, string> => sequentialParams(callid, 'REFER', referTo(to, `;osid=${dialogId}`));

/** Returns a Refer-To header; `extra` follows the URI's host. */
export const referTo = (to: string, extra = ''): string => `Refer-To: <sip:${to}@127.0.0.1:5060${extra}>\r\n`;

/** Returns the parameters of a request with headers to the callee's phone. */
export const sequentialParams = (
  callid: string,
  method: string,
  headers: string,
): Record<string, string> => ({
  callid,
  method,
  mode: 'callee',
  body: 'none',
  headers,
});

/** Returns the transfer events of a call, such as `ok 200 OK`, and `notify` among them. */
export const transferStates = (client: TestClient, callid: string): string[] =>
  client
    .events('E_CALL_TRANSFER')
    .filter((event) => event['callid'] === callid)
    .map(({ state, status }) => `${state} ${status}`.trim());

/** Resolves when the last transfer of the call has ended with `ok` or `fail`; `count` is how many have. */
export const waitForResults = (client: TestClient, callid: string, count: number): Promise<void> =>
  client.waitFor(
    () => transferStates(client, callid).filter((state) => /^(?:ok|fail)/.test(state)).length === count,
  );

/** Resolves when a dialog of the Call-ID has entered a state. */
export const waitForState = (client: TestClient, callid: string, state: number): Promise<void> =>
  client.waitFor(() =>
    client
      .events('E_DLG_STATE_CHANGED')
      .some((event) => event['callid'] === callid && event['new_state'] === state),
  );
