/** The command line of the simulator: `node simulator/main.ts --help`. @module */
import { parseArgs } from 'node:util';
import { startSimulator } from './index.ts';

const HELP = `A stand-in for OpenSIPS on UDP, with phones that answer, ring, refuse ...: see simulator/README.md

  --mi HOST:PORT    where MI listens             (127.0.0.1:8080)
  --sip HOST:PORT   its SIP address; no socket is bound to it   (127.0.0.1:5060)
  --opensips VERSION    which OpenSIPS it is: 3.4.18, 3.6.8 or 4.0.1   (3.6.8)
  --gaps FACTOR     factor for the delays of a real OpenSIPS; 0: as fast as possible   (1)
  --help
`;

/** Words for the errors of a UDP socket that cannot be bound. */
const BIND_FAILURES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EADDRNOTAVAIL: 'the address does not belong to this machine',
  EACCES: 'this user may not use the port',
  ENOTFOUND: 'there is no host of this name',
};

try {
  await main();
} catch (error) {
  process.stderr.write(`simulator: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const values = parseFlags(process.argv.slice(2));
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const address = parseAddress(values.mi);
  const delayFactor = parseFactor(values.gaps);
  const version = parseVersion(values.opensips);
  const simulator = await startSimulator({
    ...address,
    sipAddress: values.sip,
    delayFactor,
    version,
    keepLedger: false,
  }).catch((error: unknown) => {
    throw new Error(`--mi: cannot listen on ${values.mi}: ${bindFailure(error)}. Use another address.`);
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void simulator.close());
  const { host, port } = simulator.mi;
  process.stdout.write(`simulator: MI on ${host}:${port}, SIP address ${values.sip}\n`);
}

function parseFlags(argv: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        mi: { type: 'string', default: '127.0.0.1:8080' },
        sip: { type: 'string', default: '127.0.0.1:5060' },
        opensips: { type: 'string', default: '3.6.8' },
        gaps: { type: 'string', default: '1' },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch {
    throw new Error(`the arguments "${argv.join(' ')}" are not valid. Use --help to list the flags.`);
  }
}

function bindFailure(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  return BIND_FAILURES[code] ?? `error ${code}`;
}

function parseAddress(text: string): { host: string; port: number } {
  const [, host, port] = /^([^:]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535)
    throw new Error(`--mi: "${text}" is not HOST:PORT. Use one such as 127.0.0.1:8080.`);
  return { host, port: Number(port) };
}

function parseVersion(text: string): string {
  if (!/^\d+\.\d+\.\d+$/.test(text))
    throw new Error(`--opensips: "${text}" is not a version. Use one such as 3.6.8.`);
  return text;
}

function parseFactor(text: string): number {
  const factor = Number(text);
  if (!(factor >= 0)) throw new Error(`--gaps: "${text}" is not a number from 0 on. Use one such as 0.5.`);
  return factor;
}
