/**
 * A real OpenSIPS on loopback, at ports of its own, with the script that users get (`docs/opensips.cfg`).
 * @module
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { accessSync, constants, globSync, realpathSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { until } from '../stack/stack.ts';
import { ProcessGroup } from './process-group.ts';
import type { Address } from './sip-message.ts';

const HOST = '127.0.0.1';
const SCRIPT = resolve(import.meta.dirname, '../../docs/opensips.cfg');
/** Below those that a system gives by itself, so that nobody is given one while OpenSIPS restarts. */
const PORTS = { from: 20_000, to: 30_000 };
/** For an answer of MI, and until MI answers at all, in milliseconds. */
const ANSWER_MS = 1_000;
const START_MS = 15_000;

export interface OpenSips extends AsyncDisposable {
  readonly mi: Address;
  readonly sip: Address;
  /** The first number of its version. */
  readonly major: number;
  /** Does a dialog with that Call-ID stand? */
  stands(callid: string): Promise<boolean>;
  /** Every E_CALL_TRANSFER so far, as OpenSIPS raised it. */
  readonly transfers: readonly TransferEvent[];
  /** Ends it and starts it anew: it forgets dialogs, registrations and subscriptions. */
  restart(): Promise<void>;
}

interface TransferEvent {
  readonly callid: string;
  readonly transfer_callid: string;
  readonly state: string;
}

/** The command `opensips` on the PATH, if it is there. */
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

/** Starts it; resolves when MI answers. */
export async function startOpenSips(): Promise<OpenSips> {
  const command = findOpenSips();
  if (command === undefined) throw new Error('the command opensips is not on the PATH');
  const [mi, sip] = [await freeAddress(), await freeAddress()];
  const script = rewrite(await readFile(SCRIPT, 'utf8'), modulesOf(command), sip, mi);
  const folder = await mkdtemp(join(tmpdir(), 'opensips-'));
  const config = join(folder, 'opensips.cfg');
  await writeFile(config, script);
  const transfers: TransferEvent[] = [];
  const ear = createSocket('udp4').unref();
  ear.on('message', (event) => transfers.push((JSON.parse(`${event}`) as { params: TransferEvent }).params));
  ear.bind(0, HOST);
  await once(ear, 'listening');
  const subscription = { event: 'E_CALL_TRANSFER', socket: `udp:${HOST}:${ear.address().port}`, expire: 600 };

  let server = await start(command);
  const { result: about } = await ask(mi, 'version', {});
  const major = Number(/\((\d+)\./.exec(JSON.stringify(about))?.[1]);

  async function start(command: string): Promise<ProcessGroup> {
    // -F stays in the foreground; -m and -M are megabytes of memory.
    const started = new ProcessGroup(command, ['-F', '-m', '64', '-M', '8', '-w', folder, '-f', config]);
    const deadline = performance.now() + START_MS;
    let up = false;
    await until(async () => {
      if (!started.runs || performance.now() > deadline) return true;
      up = (await ask(mi, 'event_subscribe', subscription)).result !== undefined;
      return up;
    });
    if (up) return started;
    await started.stop();
    throw new Error(`OpenSIPS did not start. It says:\n${started.log}`);
  }

  return {
    mi,
    sip,
    major,
    transfers,
    async stands(callid) {
      const answer = await ask(mi, 'dlg_list', { callid });
      // One that has ended is listed on for seconds.
      return typeof answer.result === 'object' && answer.result.Dialog.state < 5;
    },
    async restart() {
      // OpenSIPS tells the time of its start in whole seconds, by which a restart is known.
      const second = wholeSecond();
      await server.stop();
      await until(() => wholeSecond() > second);
      server = await start(command);
    },
    async [Symbol.asyncDispose]() {
      ear.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const wholeSecond = () => Math.floor(Date.now() / 1000);

/** The script with the places of this machine; every place must be there, lest the test run something else. */
function rewrite(script: string, modules: string, sip: Address, mi: Address): string {
  const places: readonly [RegExp, string][] = [
    [/^mpath=.*$/gm, `mpath="${modules}/"`],
    [/^socket=udp:.*$/gm, `socket=udp:${sip.host}:${sip.port}`],
    [
      /^modparam\("mi_datagram", "socket_name", .*$/gm,
      `modparam("mi_datagram", "socket_name", "udp:${mi.host}:${mi.port}")`,
    ],
  ];
  return places.reduce((text, [place, line]) => {
    if (text.match(place)?.length !== 1) throw new Error(`${SCRIPT} must hold ${place} once`);
    return text.replace(place, line);
  }, script);
}

/** The folder with its modules: as OPENSIPS_MODULES says, or beside the program. */
function modulesOf(command: string): string {
  const told = process.env['OPENSIPS_MODULES'];
  if (told) return told;
  const prefix = dirname(dirname(realpathSync(command)));
  const [found] = globSync('lib{,32,64,/*}/opensips/modules/callops.so', { cwd: prefix });
  if (found === undefined)
    throw new Error(`no callops.so in ${prefix}/lib*: set OPENSIPS_MODULES to its folder`);
  return join(prefix, dirname(found));
}

interface Answer {
  readonly result?: 'OK' | { readonly Dialog: { readonly state: number } };
}

/** One MI request; rejects where no answer comes. */
async function ask({ host, port }: Address, method: string, params: object): Promise<Answer> {
  const socket = createSocket('udp4');
  try {
    socket.connect(port, host);
    await once(socket, 'connect');
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: '1', method, params }));
    const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(ANSWER_MS) });
    return JSON.parse(`${answer}`) as Answer;
  } finally {
    socket.close();
  }
}

/** A UDP port of loopback that is free now. */
async function freeAddress(): Promise<Address> {
  const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
  const socket = createSocket('udp4');
  try {
    socket.bind(port, HOST);
    await once(socket, 'listening');
    return { host: HOST, port };
  } catch {
    return freeAddress();
  } finally {
    socket.close();
  }
}
