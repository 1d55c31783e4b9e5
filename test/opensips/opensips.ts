/**
 * A real OpenSIPS on loopback, at its own ports, with the script that users get (`docs/opensips.cfg`).
 * @module
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { accessSync, constants, globSync, realpathSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { waitUntil } from '../harness/stack.ts';
import { ProcessGroup } from './process-group.ts';
import type { Address } from './sip-message.ts';

const HOST = '127.0.0.1';
const SCRIPT_PATH = resolve(import.meta.dirname, '../../docs/opensips.cfg');
/** Below the ephemeral ports of the system, so that no other process gets one of them while OpenSIPS restarts. */
const PORT_RANGE = { from: 20_000, to: 30_000 };
const MI_REPLY_TIMEOUT_MS = 1_000;
const START_TIMEOUT_MS = 15_000;

export interface OpenSips extends AsyncDisposable {
  readonly mi: Address;
  readonly sip: Address;
  /** The major version. */
  readonly majorVersion: number;
  /** Resolves with whether a dialog with that Call-ID is active. */
  isDialogActive(callid: string): Promise<boolean>;
  /** Every E_CALL_TRANSFER so far, as OpenSIPS raised it. */
  readonly transferEvents: readonly TransferEvent[];
  /** Stops and starts it. It loses dialogs, registrations and subscriptions. */
  restart(): Promise<void>;
}

interface TransferEvent {
  readonly callid: string;
  readonly transfer_callid: string;
  readonly state: string;
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
export async function startOpenSips(): Promise<OpenSips> {
  const command = findOpenSips();
  if (command === undefined) throw new Error('the command opensips is not on the PATH');
  const [mi, sip] = [await findFreeAddress(), await findFreeAddress()];
  const script = localizeScript(await readFile(SCRIPT_PATH, 'utf8'), findModules(command), sip, mi);
  const folder = await mkdtemp(join(tmpdir(), 'opensips-'));
  const configPath = join(folder, 'opensips.cfg');
  await writeFile(configPath, script);
  const transferEvents: TransferEvent[] = [];
  const eventSocket = createSocket('udp4').unref();
  eventSocket.on('message', (datagram) =>
    transferEvents.push((JSON.parse(`${datagram}`) as { params: TransferEvent }).params),
  );
  eventSocket.bind(0, HOST);
  await once(eventSocket, 'listening');
  const subscription = {
    event: 'E_CALL_TRANSFER',
    socket: `udp:${HOST}:${eventSocket.address().port}`,
    expire: 600,
  };

  let server = await start(command);
  const { result: version } = await requestMi(mi, 'version', {});
  const majorVersion = Number(/\((\d+)\./.exec(JSON.stringify(version))?.[1]);

  async function start(command: string): Promise<ProcessGroup> {
    // -F stays in the foreground; -m and -M are megabytes of memory.
    const args = ['-F', '-m', '64', '-M', '8', '-w', folder, '-f', configPath];
    const processGroup = new ProcessGroup(command, args);
    const deadline = performance.now() + START_TIMEOUT_MS;
    let isReady = false;
    await waitUntil(async () => {
      if (!processGroup.isRunning || performance.now() > deadline) return true;
      isReady = (await requestMi(mi, 'event_subscribe', subscription)).result !== undefined;
      return isReady;
    });
    if (isReady) return processGroup;
    await processGroup.stop();
    throw new Error(`OpenSIPS did not start. Its output:\n${processGroup.log}`);
  }

  return {
    mi,
    sip,
    majorVersion,
    transferEvents,
    async isDialogActive(callid) {
      const reply = await requestMi(mi, 'dlg_list', { callid });
      // A dialog that has ended (state 5) is still listed for seconds.
      return typeof reply.result === 'object' && reply.result.Dialog.state < 5;
    },
    async restart() {
      // A restart is detected by the start time, which OpenSIPS reports in whole seconds.
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

/**
 * Returns the script with the paths and addresses of this machine. Throws if a replaced line does not occur exactly
 * once, because the test would then run a different configuration.
 */
function localizeScript(script: string, modules: string, sip: Address, mi: Address): string {
  const replacements: readonly [RegExp, string][] = [
    [/^mpath=.*$/gm, `mpath="${modules}/"`],
    [/^socket=udp:.*$/gm, `socket=udp:${sip.host}:${sip.port}`],
    [
      /^modparam\("mi_datagram", "socket_name", .*$/gm,
      `modparam("mi_datagram", "socket_name", "udp:${mi.host}:${mi.port}")`,
    ],
  ];
  return replacements.reduce((text, [pattern, line]) => {
    if (text.match(pattern)?.length !== 1)
      throw new Error(`${SCRIPT_PATH} must contain ${pattern} exactly once`);
    return text.replace(pattern, line);
  }, script);
}

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

interface MiReply {
  readonly result?: 'OK' | { readonly Dialog: { readonly state: number } };
}

/** Sends one MI request. Rejects after {@link MI_REPLY_TIMEOUT_MS} without a reply. */
async function requestMi({ host, port }: Address, method: string, params: object): Promise<MiReply> {
  const socket = createSocket('udp4');
  try {
    socket.connect(port, host);
    await once(socket, 'connect');
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: '1', method, params }));
    const [reply] = await once(socket, 'message', { signal: AbortSignal.timeout(MI_REPLY_TIMEOUT_MS) });
    return JSON.parse(`${reply}`) as MiReply;
  } finally {
    socket.close();
  }
}

/** Returns a UDP port of loopback that is currently free. */
async function findFreeAddress(): Promise<Address> {
  const port = PORT_RANGE.from + Math.floor(Math.random() * (PORT_RANGE.to - PORT_RANGE.from));
  const socket = createSocket('udp4');
  try {
    socket.bind(port, HOST);
    await once(socket, 'listening');
    return { host: HOST, port };
  } catch {
    return findFreeAddress();
  } finally {
    socket.close();
  }
}
