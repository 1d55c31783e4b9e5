/**
 * The MI commands of the edge and of the command line: look-ups of a dialog are truthful, and neither requests nor results contain SDP.
 * @module
 */
import type { DialogLookup } from './dialog-lookup.ts';
import type { MiClient } from './mi-client.ts';
import { redactSdp } from './redact-sdp.ts';
import { withOffer } from './set-up-offer.ts';

/** Runs MI commands. */
export type MiRequester = Pick<MiClient, 'request'>;

/** The names of the command in OpenSIPS 3 and 4. */
const LIST_COMMANDS = ['dlg_list', 'dialog:list'];

/** Returns what runs MI commands with this client, and finds dialogs with this look-up. */
export function createMiGateway(mi: MiRequester, lookup: DialogLookup): MiRequester {
  return {
    async request(method, params, timeouts, id) {
      const { callid, ...others } = params;
      const isLookup =
        LIST_COMMANDS.includes(method) && typeof callid === 'string' && Object.keys(others).length === 0;
      const response = isLookup
        ? await lookup.find(mi, callid, timeouts, id)
        : await mi.request(method, withOffer(method, params), timeouts, id);
      return 'result' in response ? { result: redactSdp(response.result) } : response;
    },
  };
}
