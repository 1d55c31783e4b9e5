/**
 * Runs the adapters of many sites in one process, because a small machine cannot hold a process for each.
 *
 *     ADAPTER_KEY=… node bench/call-api/adapters.ts ws://127.0.0.1:PORT MI_PORT,…
 *
 * Sites are numbered from 0 in the order of the MI ports.
 * @module
 */
import { startAdapter } from '../../adapter/adapter.ts';
import { createLog } from '../../adapter/log.ts';
import { readSettings } from '../../adapter/settings.ts';

const [edgeUrl = '', ports = ''] = process.argv.slice(2);
const log = createLog('error', []);
for (const [site, port] of ports.split(',').entries()) {
  const flags = ['--opensips', `127.0.0.1:${port}`, '--edge', `${edgeUrl}/adapter?site=${site}`];
  const parsed = readSettings(flags, process.env, () => '');
  if (!('settings' in parsed)) throw new Error(JSON.stringify(parsed));
  startAdapter(parsed.settings, log);
}
