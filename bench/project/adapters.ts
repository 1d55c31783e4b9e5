/**
 * The adapters of many sites in one process; a process each would be more than a small machine holds.
 *
 *     ADAPTER_KEY=… node bench/project/adapters.ts ws://127.0.0.1:PORT MI_PORT,…
 *
 * The sites are numbered from 0 in the order of the MI ports.
 * @module
 */
import { startAdapter } from '../../adapter/adapter.ts';
import { createLog } from '../../adapter/log.ts';
import { readSettings } from '../../adapter/settings.ts';

const [edge = '', ports = ''] = process.argv.slice(2);
const log = createLog('error', []);
for (const [site, port] of ports.split(',').entries()) {
  const flags = ['--opensips', `127.0.0.1:${port}`, '--edge', `${edge}/adapter?site=${site}`];
  const read = readSettings(flags, process.env, () => '');
  if (!('settings' in read)) throw new Error(JSON.stringify(read));
  startAdapter(read.settings, log);
}
