/**
 * A real OpenSIPS on loopback, at its own ports, with the script that users get (`docs/opensips.cfg`).
 * @module
 */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { accessSync, constants, globSync, realpathSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { waitUntil } from '../harness/stack.ts';
import { ProcessGroup } from './process-group.ts';
import { adaptScript, type ScriptOptions } from './script.ts';
import type { Address } from './sip-message.ts';
import type { TransportName } from './transport.ts';

const HOST = '127.0.0.1';
const SCRIPT_PATH = resolve(import.meta.dirname, '../../docs/opensips.cfg');
/** Below the ephemeral ports of the system, so that no other process gets one of them while OpenSIPS restarts. */
const PORT_RANGE = { from: 20_000, to: 30_000 };
/** The events that the script raises itself. */
const SCRIPT_EVENTS = ['E_CALL_REFUSED', 'E_CALL_BYE'];
const MI_REPLY_TIMEOUT_MS = 1_000;
/** For a command that waits for a phone: longer than `fr_timeout` in the script. */
const PHONE_REPLY_TIMEOUT_MS = 15_000;
const START_TIMEOUT_MS = 15_000;

export type OpenSipsOptions = ScriptOptions & {
  /** Megabytes of memory that its processes share: 64 by default. */
  readonly memoryMb?: number;
};

export interface OpenSips extends AsyncDisposable {
  readonly mi: Address;
  readonly sip: Address;
  /** The only transport of its SIP address. */
  readonly transport: TransportName;
  /** Its SIP address as a URI, for the adapter. */
  readonly nextHop: string;
  /** The major version. */
  readonly majorVersion: number;
  /** Resolves with whether a dialog with that Call-ID is active. */
  isDialogActive(callid: string): Promise<boolean>;
  /** Every E_CALL_TRANSFER so far, as OpenSIPS raised it. */
  readonly transferEvents: readonly EventParams[];
  /** Every event of the script so far: E_CALL_REFUSED and E_CALL_BYE. */
  readonly scriptEvents: readonly ScriptEvent[];
  /** Sends an MI request. Resolves with its reply. */
  requestMi(method: string, params: object): Promise<MiReply>;
  /** Throws if a process of OpenSIPS has died of a signal, with the end of its log. */
  assertAlive(): void;
  /** Kills it (kill -9), which nobody is told of, until {@link OpenSips.restart}. */
  kill(): Promise<void>;
  /** Stops and starts it. It loses dialogs, registrations and subscriptions. */
  restart(): Promise<void>;
}

type EventParams = Readonly<Record<string, string>>;

interface ScriptEvent {
  readonly method: string;
  readonly params: EventParams;
}

/** Returns the path of the command `opensips`, if it is on the PATH. */
export function findOpenSips(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, 'opensips')).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts OpenSIPS. Resolves when MI replies. */
export async function startOpenSips(options: OpenSipsOptions = {}): Promise<OpenSips> {
  const { transport = 'udp', memoryMb = 64 } = options;
  const command = findOpenSips();
  if (command === undefined) throw new Error('the command opensips is not on the PATH');
  const { stdout: version } = await promisify(execFile)(command, ['-V']);
  const majorVersion = Number(/^version: opensips (\d+)\./m.exec(version)?.[1]);
  const mi = await findFreeAddress(options.mi === 'ipv6' ? '::1' : HOST);
  const sip = await findFreeAddress(HOST);
  const script = adaptScript(
    await readFile(SCRIPT_PATH, 'utf8'),
    { modules: findModules(command), majorVersion, sip, mi },
    options,
  );
  const folder = await mkdtemp(join(tmpdir(), 'opensips-'));
  const configPath = join(folder, 'opensips.cfg');
  await writeFile(configPath, script);
  const events: ScriptEvent[] = [];
  const eventSocket = createSocket('udp4').unref();
  eventSocket.on('message', (datagram) => events.push(JSON.parse(`${datagram}`) as ScriptEvent));
  eventSocket.bind(0, HOST);
  await once(eventSocket, 'listening');
  const subscribe = async (event: string) => {
    const socket = `udp:${HOST}:${eventSocket.address().port}`;
    return (await requestMi(mi, 'event_subscribe', { event, socket, expire: 600 })).result !== undefined;
  };

  const deathsBefore: string[] = [];
  let server = await start(command);

  async function start(command: string): Promise<ProcessGroup> {
    // -F stays in the foreground; -m and -M are megabytes of memory.
    const args = ['-F', '-m', String(memoryMb), '-M', '8', '-w', folder, '-f', configPath];
    const processGroup = new ProcessGroup(command, args);
    const deadline = performance.now() + START_TIMEOUT_MS;
    let isReady = false;
    await waitUntil(async () => {
      if (!processGroup.isRunning || performance.now() > deadline) return true;
      isReady = (await subscribe('E_CALL_TRANSFER')) && (transport === 'udp' || (await acceptsTcp(sip)));
      return isReady;
    });
    if (isReady) {
      if (options.events !== false) await Promise.all(SCRIPT_EVENTS.map(subscribe));
      return processGroup;
    }
    await processGroup.stop();
    throw new Error(`OpenSIPS did not start. Its output:\n${processGroup.log}`);
  }

  return {
    mi,
    sip,
    transport,
    nextHop: `sip:${formatAddress(sip)}${transport === 'tcp' ? ';transport=tcp' : ''}`,
    majorVersion,
    get transferEvents() {
      return events.flatMap(({ method, params }) => (method === 'E_CALL_TRANSFER' ? [params] : []));
    },
    get scriptEvents() {
      return events.filter(({ method }) => SCRIPT_EVENTS.includes(method));
    },
    requestMi: (method, params) => requestMi(mi, method, params, PHONE_REPLY_TIMEOUT_MS),
    assertAlive() {
      const deaths = [...deathsBefore, ...server.deaths];
      if (deaths.length > 0) throw new Error(`OpenSIPS crashed: ${deaths.join(', ')}\n${server.log}`);
    },
    async isDialogActive(callid) {
      const reply = await requestMi(mi, 'dlg_list', { callid });
      // A dialog that has ended (state 5) is still listed for seconds.
      const { Dialog: dialog } = (reply.result ?? {}) as { readonly Dialog?: { readonly state: number } };
      return dialog !== undefined && dialog.state < 5;
    },
    kill: () => server.kill(),
    async restart() {
      // A restart is detected by the start time, which OpenSIPS reports in whole seconds.
      deathsBefore.push(...server.deaths);
      const stoppedAt = currentSecond();
      await server.stop();
      await waitUntil(() => currentSecond() > stoppedAt);
      server = await start(command);
    },
    async [Symbol.asyncDispose]() {
      eventSocket.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const currentSecond = () => Math.floor(Date.now() / 1000);

/** Returns the folder of its modules: OPENSIPS_MODULES, or below the prefix of the program. */
function findModules(command: string): string {
  const configured = process.env['OPENSIPS_MODULES'];
  if (configured) return configured;
  const prefix = dirname(dirname(realpathSync(command)));
  const [module] = globSync('lib{,32,64,/*}/opensips/modules/callops.so', { cwd: prefix });
  if (module === undefined)
    throw new Error(`no callops.so in ${prefix}/lib*: set OPENSIPS_MODULES to its folder`);
  return join(prefix, dirname(module));
}

export interface MiReply {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** Sends one MI request. Rejects after `timeoutMs` without a reply. */
async function requestMi(
  { host, port }: Address,
  method: string,
  params: object,
  timeoutMs = MI_REPLY_TIMEOUT_MS,
): Promise<MiReply> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.connect(port, host);
    await once(socket, 'connect');
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: '1', method, params }));
    const [reply] = await once(socket, 'message', { signal: AbortSignal.timeout(timeoutMs) });
    return JSON.parse(`${reply}`) as MiReply;
  } finally {
    socket.close();
  }
}

/** Returns an address of this machine whose UDP port is currently free. */
async function findFreeAddress(host: string): Promise<Address> {
  const port = PORT_RANGE.from + Math.floor(Math.random() * (PORT_RANGE.to - PORT_RANGE.from));
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.bind(port, host);
    await once(socket, 'listening');
    return { host, port };
  } catch {
    return findFreeAddress(host);
  } finally {
    socket.close();
  }
}

/** Resolves with whether a TCP connection is accepted. */
async function acceptsTcp({ host, port }: Address): Promise<boolean> {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Returns `HOST:PORT`, with an IPv6 address in brackets. */
export function formatAddress({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
