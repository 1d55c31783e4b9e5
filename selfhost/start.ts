/**
 * `npm start`: starts the OpenSIPS simulator (or uses a real OpenSIPS), the edge and the adapter together on this machine.
 * Exit codes: 0 stopped by a signal, 1 a part failed, 2 invalid settings.
 * @module
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { Processes } from './processes.ts';
import { loadOrCreateSecrets, SECRETS_FILE } from './secrets.ts';
import { readSettings, type Settings } from './settings.ts';
import { startEdge } from './workerd.ts';

const root = resolve(import.meta.dirname, '..');

/** workerd does not end on SIGTERM while sockets are open. */
const EDGE_STOP_TIMEOUT_MS = 1_000;
/** The adapter unsubscribes and says goodbye; it limits that itself to two seconds. */
const ADAPTER_STOP_TIMEOUT_MS = 3_000;
/** Everything runs within five seconds on a usual machine; a slow one gets more time. */
const START_TIMEOUT_MS = 20_000;
const POLL_INTERVAL_MS = 25;

const processes = new Processes();
let stopping: Promise<void> | undefined;

const reading = readSettings(process.argv.slice(2), process.env, (path) => readFileSync(path, 'utf8'));
if ('help' in reading) {
  print(reading.help);
} else if ('errors' in reading) {
  process.stderr.write(`${reading.errors.join('\n')}\n`);
  process.exitCode = 2;
} else {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(0));
  processes.exited.then((reason) => {
    print(`\n${reason}; stopping the rest.\n`);
    return stop(1);
  });
  try {
    await start(reading.values);
  } catch (error) {
    if (!stopping) print(`\n${error instanceof Error ? error.message : String(error)}\n`);
    await stop(1);
  }
}

async function start(settings: Settings): Promise<void> {
  await requireFreePort(settings.port);
  await (settings.tenants ? startTenants(settings) : startDemo(settings));
}

/** Starts the Worker as it is deployed. */
async function startTenants(settings: Settings): Promise<void> {
  const { port } = settings;
  if (settings.opensips !== undefined || settings['sip-next-hop'] !== undefined)
    throw new Error('With --tenants an OpenSIPS is named to its adapter: npm run adapter -- --help');
  const data = resolve(settings.data);
  const secrets = { ...(await loadOrCreateSecrets(data)) };
  await startWorker(settings, secrets, 'worker/index.ts');
  print(`
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

Ctrl-C ends it all; tenants, calls and commands are kept in ${settings.data}.
`);
}

/** Starts the open tenant, with an OpenSIPS and an adapter. */
async function startDemo(settings: Settings): Promise<void> {
  const { port } = settings;
  if (settings['webhooks-to-private'])
    throw new Error('Webhooks are made by an administrator, whom the open tenant has not: add --tenants');
  const key = randomBytes(24).toString('base64url');
  const opensips = settings.opensips
    ? `${settings.opensips.host}:${settings.opensips.port}`
    : await startSimulator();
  const nextHop = settings['sip-next-hop'] ?? `sip:${opensips.split(':')[0]}:5060`;
  await startWorker(settings, { ADAPTER_KEY: key }, 'worker/local.ts');
  const env = {
    OPENSIPS_MI: opensips,
    EDGE_URL: `ws://127.0.0.1:${port}/adapter`,
    SIP_NEXT_HOP: nextHop,
    ADAPTER_KEY: key,
    LOG_LEVEL: 'warn',
  };
  processes.add('the adapter', spawnNode('adapter/main.ts', [], env), ADAPTER_STOP_TIMEOUT_MS);
  await waitUntil(() => isLinked(port), 'the adapter does not connect');
  const uri = (user: string) =>
    `${/^sips?:[^;]*$/.test(nextHop) ? nextHop.replace(/^(sips?:)/, `$1${user}@`) : `sip:${user}@localhost`}`;
  print(`
The console            http://localhost:${port}
The Call API is up at  ws://localhost:${port}/call-api
OpenSIPS               ${settings.opensips ? `MI at ${opensips}, SIP at ${nextHop}` : 'the simulator (see simulator/README.md for its phones)'}
Health                 http://localhost:${port}/healthz

Try a call:            npm run call -- CallStart '{"caller":"${uri('alice')}","callee":"${uri('bob')}"}'
Ctrl-C ends it all; calls and commands are kept in ${settings.data}.
`);
}

/** Starts the edge, and waits until it answers. */
async function startWorker(
  { port, data, ...settings }: Settings,
  secrets: Record<string, string>,
  entry: string,
): Promise<void> {
  const webhooksToPrivate = settings['webhooks-to-private'];
  const workerd = await startEdge({ port, data: resolve(data), secrets, entry, webhooksToPrivate });
  processes.add('workerd', workerd, EDGE_STOP_TIMEOUT_MS);
  await waitUntil(
    async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok,
    'the edge does not answer',
  );
}

/** Starts the simulator on any free port, and returns its MI address. */
async function startSimulator(): Promise<string> {
  const simulator = spawnNode('simulator/main.ts', ['--mi', '127.0.0.1:0'], {}, 'pipe');
  processes.add('the simulator', simulator, ADAPTER_STOP_TIMEOUT_MS);
  return new Promise((resolve) => {
    simulator.stdout?.on('data', (chunk: Buffer) => {
      const address = /127\.0\.0\.1:\d+/.exec(chunk.toString())?.[0];
      if (address) resolve(address);
    });
  });
}

function spawnNode(
  script: string,
  args: string[],
  env: Record<string, string>,
  stdout: 'inherit' | 'pipe' = 'inherit',
) {
  return spawn(process.execPath, [join(root, script), ...args], {
    stdio: ['ignore', stdout, 'inherit'],
    env: { ...process.env, ...env },
    // Ctrl-C reaches the whole process group, but the processes must end in order.
    detached: true,
  });
}

async function requireFreePort(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', () =>
      reject(new Error(`Port ${port} is taken; choose another: npm start -- --port PORT`)),
    );
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });
}

async function isLinked(port: number): Promise<boolean> {
  const health = (await (await fetch(`http://127.0.0.1:${port}/healthz`)).json()) as {
    link?: { connected?: boolean };
  };
  return health.link?.connected === true;
}

async function waitUntil(condition: () => Promise<boolean>, problem: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!stopping) {
    if (await condition().catch(() => false)) return;
    if (Date.now() > deadline)
      throw new Error(`${problem} within ${START_TIMEOUT_MS / 1000} s; see the lines above`);
    await new Promise((resume) => setTimeout(resume, POLL_INTERVAL_MS));
  }
}

async function stop(status: number): Promise<void> {
  stopping ??= processes.stop();
  await stopping;
  process.exit(status);
}

function print(text: string): void {
  process.stdout.write(text);
}
