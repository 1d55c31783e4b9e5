/** Row 3: connections that take places and descriptors. @module */
import { type Attack, type AttackRun, repeat } from '../attack.ts';
import { openSocket } from '../clients.ts';
import { RawWebSocket } from '../raw-websocket.ts';

/** The upgrades of the measurement. */
const MAX_UPGRADES = 3_000;

/** Opens a raw socket that never answers a Close frame, and keeps it. */
async function hold(
  { port, tally }: Pick<AttackRun, 'port' | 'tally'>,
  credential: string,
  path: string,
  sockets: RawWebSocket[],
): Promise<void> {
  tally.sent += 1;
  let isOpen = false;
  const onEnd = () => {
    if (isOpen) tally.onClosed(0);
    isOpen = false;
  };
  const onBytes = (count: number) => tally.onBytes(count);
  const { status, text, socket } = await RawWebSocket.open({
    port,
    path,
    credential,
    reads: true,
    onBytes,
    onEnd,
  });
  if (status === 101) {
    isOpen = true;
    tally.onOpened();
    sockets.push(socket);
  } else {
    tally.onRefused(status === 0 ? 'no response' : status, text);
    socket.destroy();
  }
}

async function holdMany(run: AttackRun, loops: number, next: (n: number) => readonly [string, string]) {
  const sockets: RawWebSocket[] = [];
  let count = 0;
  await repeat(run, loops, async () => {
    if (count >= MAX_UPGRADES) return;
    const [credential, path] = next(count++);
    await hold(run, credential, path, sockets);
  });
  for (const socket of sockets) socket.destroy();
}

/** One session that connects again and again: each connection supersedes the one before, which never ends. */
export const reconnectSame: Attack = (run) =>
  holdMany(run, 8, () => [run.tokens[0] ?? '', '/call-api?session=same']);

/** Sessions of many subjects, which never answer a Close frame. */
export const noCloseAnswer: Attack = (run) =>
  holdMany(run, 8, (n) => [run.tokens[n % run.tokens.length] ?? '', `/call-api?session=${n % 10}`]);

/** Upgrades of a subject with another session each time, which are kept. */
export const upgrades: Attack = (run) => holdMany(run, 32, (n) => [run.key, `/call-api?session=n${n}`]);

/** Upgrades of adapters: each is another connection with the same key. */
export const adapterUpgrades: Attack = (run) => holdMany(run, 8, () => [run.adapterKey, '/adapter']);

/** A client that reads and reconnects without waiting. */
export const reconnectLoop: Attack = (run) =>
  repeat(run, 4, async (loop) => {
    const socket = await openSocket(run, run.tokens[loop] ?? '');
    socket?.terminate();
  });
