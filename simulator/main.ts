/** The command line of the simulator: `node simulator/main.ts --help`. @module */
import { parseArgs } from 'node:util';
import { startSimulator } from './index.ts';

const HELP = `A stand-in for OpenSIPS on UDP, with phones that answer, ring, refuse ...: see simulator/README.md

  --mi HOST:PORT    where MI listens             (127.0.0.1:8080)
  --sip HOST:PORT   its SIP address; no socket is bound to it   (127.0.0.1:5060)
  --gaps FACTOR     factor for the delays of a real OpenSIPS; 0: as fast as possible   (1)
  --help
`;

try {
  await main();
} catch (error) {
  process.stderr.write(`simulator: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      mi: { type: 'string', default: '127.0.0.1:8080' },
      sip: { type: 'string', default: '127.0.0.1:5060' },
      gaps: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const simulator = await startSimulator({
    ...parseAddress(values.mi),
    sipAddress: values.sip,
    delayFactor: parseFactor(values.gaps),
    keepLedger: false,
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void simulator.close());
  const { host, port } = simulator.mi;
  process.stdout.write(`simulator: MI on ${host}:${port}, SIP address ${values.sip}\n`);
}

function parseAddress(text: string): { host: string; port: number } {
  const [, host, port] = /^([^:]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined) throw new Error(`--mi must be HOST:PORT, not ${text}`);
  return { host, port: Number(port) };
}

function parseFactor(text: string): number {
  const factor = Number(text);
  if (!(factor >= 0)) throw new Error(`--gaps must be a number from 0 on, not ${text}`);
  return factor;
}
