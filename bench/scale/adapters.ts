/** Adapters in one process, as many as are asked for. @module */
import { pino } from 'pino';
import { startAdapter } from '../../adapter/adapter.ts';
import { createLog } from '../../adapter/log.ts';
import { readSettings } from '../../adapter/settings.ts';

/** Asks for one more adapter at each of these. */
export interface AdaptersWanted {
  readonly sites: readonly { readonly edge: string; readonly opensips: string }[];
}

const log = createLog('error', [], pino.destination({ dest: 2, sync: true }));

process.on('message', ({ sites }: AdaptersWanted) => {
  for (const { edge, opensips } of sites) {
    const read = readSettings(['--edge', edge, '--opensips', opensips, '--name', 'bench'], {}, () => '');
    if (!('settings' in read)) throw new Error(JSON.stringify(read));
    startAdapter(read.settings, log);
  }
  process.send?.('started');
});
process.on('disconnect', () => process.exit());
