/**
 * `npm start`: OpenSIPS's stand-in (or a real OpenSIPS), the edge and the adapter, up together on this machine.
 * @module
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Processes } from './processes.ts';
import { SECRETS_FILE, secretsIn } from './secrets.ts';
import { startEdge } from './workerd.ts';

const root = resolve(import.meta.dirname, '..');

const HELP = `npm start -- [options]

  --opensips HOST:PORT   use the OpenSIPS whose MI listens there (UDP) instead of the simulator
  --sip-next-hop URI     that OpenSIPS's own SIP address, through which a first leg must pass
                         (default: sip:HOST:5060)
  --port PORT            serve at this TCP port on loopback (default: 5059)
  --data DIR             keep calls and commands there (default: .data)
  --tenants              serve tenants with keys of their own, as a deployment does, instead of the open one; the
                         adapter runs where OpenSIPS is: npm run adapter -- --help
  --webhooks-to-private  with --tenants: let webhooks go to this machine and to private networks too, and by http; without
                         it, to public addresses by https only
  --help
`;

/** workerd does not end on SIGTERM while sockets are open, so it is given this long, in milliseconds. */
const EDGE_PATIENCE_MS = 1_000;
/** The adapter unsubscribes and says goodbye; it bounds that itself to two seconds. */
const ADAPTER_PATIENCE_MS = 3_000;
/** All is up within five seconds, or something is wrong; a slow machine is given more. */
const START_PATIENCE_MS = 20_000;

const { values: flags } = parseArgs({
  options: {
    opensips: { type: 'string' },
    'sip-next-hop': { type: 'string' },
    port: { type: 'string', default: '5059' },
    data: { type: 'string', default: join(root, '.data') },
    tenants: { type: 'boolean', default: false },
    'webhooks-to-private': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const processes = new Processes();
let stopping: Promise<void> | undefined;

if (flags.help) {
  say(HELP);
} else {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(0));
  processes.died.then((what) => {
    say(`\n${what}; stopping the rest.\n`);
    return stop(1);
  });
  try {
    await start();
  } catch (error) {
    if (!stopping) say(`\n${error instanceof Error ? error.message : String(error)}\n`);
    await stop(1);
  }
}

async function start(): Promise<void> {
  const port = Number(flags.port);
  await mustBeFree(port);
  await (flags.tenants ? startTenants(port) : startDemo(port));
}

/** The Worker as it is deployed. */
async function startTenants(port: number): Promise<void> {
  if (flags.opensips !== undefined || flags['sip-next-hop'] !== undefined)
    throw new Error('With --tenants an OpenSIPS is named to its adapter: npm run adapter -- --help');
  const data = resolve(flags.data);
  const secrets = { ...(await secretsIn(data)) };
  await startWorker(port, secrets, 'worker/index.ts');
  say(`
The Call API is up at  ws://localhost:${port}/call-api, for the keys and tokens of tenants
The console            http://localhost:${port}, which asks for a token
Health                 http://localhost:${port}/healthz
Its secrets            ${join(data, SECRETS_FILE)}

The first tenant, in another terminal:
  export EDGE_URL=http://localhost:${port}
  export ADMIN_SECRET=$(node -p 'require("${join(data, SECRETS_FILE)}").ADMIN_SECRET')
  npm run admin -- tenant create acme
  npm run admin -- site create acme north
  npm run admin -- key create acme --role adapter --site north
  npm run admin -- key create acme --role api

Ctrl-C ends it all; tenants, calls and commands are kept in ${flags.data}.
`);
}

/** The open tenant, with an OpenSIPS and an adapter. */
async function startDemo(port: number): Promise<void> {
  if (flags['webhooks-to-private'])
    throw new Error('Webhooks are made by an administrator, whom the open tenant has not: add --tenants');
  const key = randomBytes(24).toString('base64url');
  const opensips = flags.opensips ?? (await startSimulator());
  const nextHop = flags['sip-next-hop'] ?? `sip:${opensips.split(':')[0]}:5060`;
  await startWorker(port, { ADAPTER_KEY: key }, 'worker/local.ts');
  const edge = `ws://127.0.0.1:${port}`;
  const env = {
    OPENSIPS_MI: opensips,
    EDGE_URL: `${edge}/adapter`,
    SIP_NEXT_HOP: nextHop,
    ADAPTER_KEY: key,
    LOG_LEVEL: 'warn',
  };
  processes.add('the adapter', node('adapter/main.ts', [], env), ADAPTER_PATIENCE_MS);
  await until(() => isLinked(port), 'the adapter does not connect');
  const uri = (user: string) =>
    `${/^sips?:[^;]*$/.test(nextHop) ? nextHop.replace(/^(sips?:)/, `$1${user}@`) : `sip:${user}@localhost`}`;
  say(`
The console            http://localhost:${port}
The Call API is up at  ws://localhost:${port}/call-api
OpenSIPS               ${flags.opensips ? `MI at ${opensips}, SIP at ${nextHop}` : 'the simulator (see simulator/README.md for its phones)'}
Health                 http://localhost:${port}/healthz

Try a call:            npm run call -- CallStart '{"caller":"${uri('alice')}","callee":"${uri('bob')}"}'
Ctrl-C ends it all; calls and commands are kept in ${flags.data}.
`);
}

/** Starts the edge, and waits until it answers. */
async function startWorker(port: number, secrets: Record<string, string>, entry: string): Promise<void> {
  const webhooksToPrivate = flags['webhooks-to-private'];
  const workerd = await startEdge({ port, data: resolve(flags.data), secrets, entry, webhooksToPrivate });
  processes.add('workerd', workerd, EDGE_PATIENCE_MS);
  await until(async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok, 'the edge does not answer');
}

/** Its MI address, on any port that is free. */
async function startSimulator(): Promise<string> {
  const simulator = node('simulator/main.ts', ['--mi', '127.0.0.1:0'], {}, 'pipe');
  processes.add('the simulator', simulator, ADAPTER_PATIENCE_MS);
  return new Promise((found) => {
    simulator.stdout?.on('data', (chunk: Buffer) => {
      const address = /127\.0\.0\.1:\d+/.exec(chunk.toString())?.[0];
      if (address) found(address);
    });
  });
}

function node(
  script: string,
  args: string[],
  env: Record<string, string>,
  stdout: 'inherit' | 'pipe' = 'inherit',
) {
  return spawn(process.execPath, [join(root, script), ...args], {
    stdio: ['ignore', stdout, 'inherit'],
    env: { ...process.env, ...env },
    // Ctrl-C reaches the whole process group: they shall end in order, not all at once.
    detached: true,
  });
}

async function mustBeFree(port: number): Promise<void> {
  const probe = createServer();
  await new Promise<void>((free, taken) => {
    probe.once('error', () =>
      taken(new Error(`Port ${port} is taken; choose another: npm start -- --port PORT`)),
    );
    probe.listen(port, '127.0.0.1', () => probe.close(() => free()));
  });
}

async function isLinked(port: number): Promise<boolean> {
  const health = (await (await fetch(`http://127.0.0.1:${port}/healthz`)).json()) as {
    link?: { connected?: boolean };
  };
  return health.link?.connected === true;
}

async function until(condition: () => Promise<boolean>, otherwise: string): Promise<void> {
  const deadline = Date.now() + START_PATIENCE_MS;
  while (!stopping) {
    if (await condition().catch(() => false)) return;
    if (Date.now() > deadline)
      throw new Error(`${otherwise} within ${START_PATIENCE_MS / 1000} s; see the lines above`);
    await new Promise((resume) => setTimeout(resume, 25));
  }
}

async function stop(status: number): Promise<void> {
  stopping ??= processes.stop();
  await stopping;
  process.exit(status);
}

function say(text: string): void {
  process.stdout.write(text);
}
