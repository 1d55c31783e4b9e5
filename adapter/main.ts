/**
 * The adapter's process: settings in, exit codes out (0 stopped, 1 broken, 2 wrongly told).
 * @module
 */
import { readFileSync } from 'node:fs';
import { startAdapter } from './adapter.ts';
import { createLog, loggable } from './log.ts';
import { readSettings } from './settings.ts';

function crossesNetworkInClear(edge: string): boolean {
  const { protocol, hostname } = new URL(edge);
  return protocol === 'ws:' && !/^(localhost|127\..*|\[::1\])$/.test(hostname);
}

const read = readSettings(process.argv.slice(2), process.env, (path) => readFileSync(path, 'utf8'));
if ('help' in read) {
  process.stdout.write(read.help);
} else if ('errors' in read) {
  process.stderr.write(`${read.errors.join('\n')}\n`);
  process.exitCode = 2;
} else {
  const { settings } = read;
  const log = createLog(settings.logLevel, settings.key === undefined ? [] : [settings.key]);
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'broken: this is a bug of the adapter');
    process.exit(1);
  });
  const { opensips, edge, name, allow } = settings;
  log.info(
    { adapter: name, opensips: `${opensips.host}:${opensips.port}`, edge: loggable(edge), allow: [...allow] },
    'starting',
  );
  if (settings.key !== undefined && crossesNetworkInClear(edge)) {
    log.warn('the key crosses the network in clear: use wss:// (EDGE_URL)');
  }
  const adapter = startAdapter(settings, log);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, async () => {
      await adapter.stop();
      process.exit(0);
    });
  }
}
