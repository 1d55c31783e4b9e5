/** The command line of the long suite with a real OpenSIPS: `npm run test:opensips -- --help`. @module */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findOpenSips } from '../opensips.ts';

const HELP = `Runs many calls through client, edge, adapter, the OpenSIPS on the PATH, and scripted phones. Prints and judges the times.

  --parts a,b     of frozen, hold, incoming, transfers, commands (all of them, in this order)
  --scale N       a share of the calls, such as 0.1, for a quick look (1)
  --help          this text

  PATH=/path/to/opensips/sbin:$PATH npm run test:opensips

The times are compared with those of an idle machine. Everything runs on loopback. rtpengine is used if it is on the PATH.
`;
const MAX_LOG_CHARACTERS = 4_000;

const { values: flags } = parseArgs({
  options: {
    parts: { type: 'string', default: 'frozen,hold,incoming,transfers,commands' },
    scale: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});

if (flags.help) process.stdout.write(HELP);
else if (findOpenSips() === undefined)
  process.stdout.write('Skipped: the command opensips is not on the PATH.\n');
else process.exitCode = await runSuite();

/**
 * Runs the suite in a process with a folder for temporary files of its own. There, the suite searches all data and logs,
 * including what the edge writes to stderr.
 */
async function runSuite(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'long-'));
  const logPath = join(folder, 'stderr.log');
  await using log = await open(logPath, 'a');
  const args = [resolve(import.meta.dirname, 'suite.ts'), '--parts', flags.parts, '--scale', flags.scale];
  const suite = spawn(process.execPath, args, {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'inherit', log.fd],
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => suite.kill(signal));
  const [exitCode] = await once(suite, 'exit');
  if (exitCode !== 0) process.stderr.write((await readFile(logPath, 'utf8')).slice(-MAX_LOG_CHARACTERS));
  await rm(folder, { recursive: true, force: true });
  return typeof exitCode === 'number' ? exitCode : 1;
}
