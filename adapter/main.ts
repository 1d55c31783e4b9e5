/**
 * Entry point of the adapter process: reads the settings and starts the adapter. Exit codes: 0 stopped by a signal,
 * 1 unexpected error, 2 invalid settings, 3 `--check` has found a fault.
 * @module
 */
import { readFileSync } from 'node:fs';
import { formatAddress } from '../shared/settings/value-types.ts';
import { startAdapter } from './adapter.ts';
import { checkEdge } from './check/check-edge.ts';
import { checkListener } from './check/check-listener.ts';
import { formatFinding, type ReportStep } from './check/finding.ts';
import { isLoopback } from './listener/listener-settings.ts';
import { createLog, redactUrl } from './log.ts';
import { readSettings } from './settings.ts';
import { TIMING } from './timing.ts';

function sendsKeyUnencrypted(edge: string): boolean {
  const { protocol, hostname } = new URL(edge);
  return protocol === 'ws:' && !isLoopback(hostname);
}

const reading = readSettings(process.argv.slice(2), process.env, (path) => readFileSync(path, 'utf8'));
if ('help' in reading) {
  process.stdout.write(reading.help);
} else if ('errors' in reading) {
  process.stderr.write(`${reading.errors.join('\n')}\n`);
  process.exitCode = 2;
} else if (reading.settings.check) {
  const { settings } = reading;
  const report: ReportStep = (finding) => process.stdout.write(formatFinding(finding));
  const isEdgeFine = await checkEdge(settings, TIMING.handshakeTimeoutMs, report);
  const isListenerFine =
    settings.listen === undefined ||
    (await checkListener(settings, settings.listen, TIMING.handshakeTimeoutMs, report));
  process.exitCode = isEdgeFine && isListenerFine ? 0 : 3;
} else {
  const { settings } = reading;
  const log = createLog(settings.logLevel, settings.key === undefined ? [] : [settings.key]);
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'Unexpected error, exiting. This is a bug in the adapter: please report it.');
    process.exit(1);
  });
  const { opensips, edge, name, allow, listen } = settings;
  log.info(
    {
      adapter: name,
      opensips: formatAddress(opensips),
      edge: redactUrl(edge),
      ...(listen ? { public_url: redactUrl(listen.publicUrl) } : {}),
      allow: [...allow],
    },
    'Starting.',
  );
  if (settings.key !== undefined && sendsKeyUnencrypted(edge)) {
    log.warn('The adapter key is sent unencrypted. Use a wss:// URL for --edge (EDGE_URL).');
  }
  if (listen && !listen.tls && !isLoopback(listen.address.host)) {
    log.warn(
      'The adapter listens without TLS on an address that other machines may reach. Let a firewall pass only the proxy that ends TLS, or set --tls-cert and --tls-key.',
    );
  }
  const adapter = startAdapter(settings, log);
  process.on('SIGHUP', () => adapter.reloadCertificate());
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, async () => {
      await adapter.stop();
      process.exit(0);
    });
  }
}
