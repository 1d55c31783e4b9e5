/** A forked script that runs many adapters in one process. @module */
import { pino } from 'pino';
import { startAdapter } from '../../../adapter/adapter.ts';
import { createLog } from '../../../adapter/log.ts';
import { readSettings } from '../../../adapter/settings.ts';

/** Starts one adapter for each entry. The response is `started`. */
export interface StartAdaptersRequest {
  /** The URL of the edge, and the MI address. */
  readonly adapters: readonly { readonly edge: string; readonly opensips: string }[];
}

const log = createLog('error', [], pino.destination({ dest: 2, sync: true }));

process.on('message', ({ adapters }: StartAdaptersRequest) => {
  for (const { edge, opensips } of adapters) {
    const parsed = readSettings(['--edge', edge, '--opensips', opensips, '--name', 'bench'], {}, () => '');
    if (!('settings' in parsed)) throw new Error(JSON.stringify(parsed));
    startAdapter(parsed.settings, log);
  }
  process.send?.('started');
});
process.on('disconnect', () => process.exit());
