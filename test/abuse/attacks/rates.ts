/** Row 4: each socket, subject or request within its limit, and all of them together far beyond. @module */
import type { WebSocket } from 'ws';
import { type Attack, type AttackRun, delay, repeat, untilStopped } from '../attack.ts';
import { openSocket, rpc, sendRequest } from '../clients.ts';

const SOCKETS = 150;
/** Messages of a socket a second: below the limit of 50. */
const RATE = 40;
const BATCH = 100;
const WAITS = 500;

async function sendOn(
  run: AttackRun,
  credentialOf: (n: number) => string,
  count: number,
  message: string,
  everyMs: number,
): Promise<void> {
  const opened = await Promise.all(Array.from({ length: count }, (_, n) => openSocket(run, credentialOf(n))));
  const sockets = opened.filter((socket): socket is WebSocket => socket !== undefined);
  await repeat(run, 1, async () => {
    for (const socket of sockets) {
      if (socket.readyState !== socket.OPEN) continue;
      run.tally.sent += 1;
      socket.send(message);
    }
    await delay(everyMs);
  });
  for (const socket of sockets) socket.terminate();
}

/** 150 sockets of one token, each under its limit. */
export const manySockets: Attack = (run) =>
  sendOn(run, () => run.tokens[0] ?? '', SOCKETS, rpc('Echo'), 1_000 / RATE);

/** The same with as many subjects as a tenant likes to mint. */
export const manySubjects: Attack = (run) =>
  sendOn(run, (n) => run.tokens[n % run.tokens.length] ?? '', SOCKETS, rpc('Echo'), 1_000 / RATE);

/** Batches, of which each request is small. */
export const batches: Attack = (run) => {
  const batch = `[${Array.from({ length: BATCH }, (_, id) => rpc('Echo', {}, id))}]`;
  return sendOn(run, (n) => run.tokens[n % run.tokens.length] ?? '', 20, batch, 100);
};

/** Requests over HTTP that wait for the end of a command. */
export const waits: Attack = async (run) => {
  await Promise.all(
    Array.from({ length: WAITS }, (_, n) =>
      sendRequest(run, run.tokens[n % run.tokens.length] ?? '', `/v1/commands/none-${n}?wait=60`),
    ),
  );
  await repeat(run, 16, async (loop) => {
    const credential = run.tokens[loop] ?? '';
    await sendRequest(run, credential, `/v1/commands/${run.commandId}?wait=60`);
  });
  await untilStopped(run);
};
