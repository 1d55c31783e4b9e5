/** Row 1: replays, which cost far more than the request that causes them. @module */
import { type Attack, type AttackRun, repeat, untilStopped } from '../attack.ts';
import { openSocket, rpc, sendRequest } from '../clients.ts';
import { found, RawWebSocket } from '../raw-websocket.ts';

/** Three times as many as the rate limit of 50 a second allows with its burst. */
const WATCHES = 300;
const STREAMS = 30;
const SOCKETS = 40;

async function watch(run: AttackRun, credential: string): Promise<void> {
  const socket = await openSocket(run, credential);
  for (let n = 0; n < WATCHES && socket; n++) {
    run.tally.sent += 1;
    socket.send(rpc('CallWatch', { since: 1 }, n));
  }
  await untilStopped(run);
  socket?.terminate();
}

/** `CallWatch {since}` again and again on one socket. */
export const watchSince: Attack = (run) => watch(run, run.key);

/** The same by a token that may see none of the calls. */
export const watchSinceBound: Attack = (run) => watch(run, run.boundToken);

/** Event streams from the beginning of the log. */
export const eventsSince: Attack = (run) =>
  repeat(run, STREAMS, async () => {
    await sendRequest(run, run.key, '/v1/events?since=1', { readMs: 2_000 });
  });

/** Sessions that resume from the beginning of the log, and read nothing. */
export const resumeUnread: Attack = async (run) => {
  const { port, key: credential, tally } = run;
  const sockets = await Promise.all(
    Array.from({ length: SOCKETS }, async (_, n) => {
      tally.sent += 1;
      const path = `/call-api?session=unread-${n}&since=1`;
      const onBytes = (count: number) => tally.onBytes(count);
      const upgrade = await RawWebSocket.open({ port, path, credential, reads: false, onBytes });
      if (upgrade.status === 101) tally.onOpened();
      else tally.onRefused(upgrade.status, upgrade.text);
      upgrade.socket.send(rpc('CallWatch', { since: 1 }));
      return upgrade.socket;
    }),
  );
  await untilStopped(run);
  await Promise.all(sockets.map(async (socket) => found(tally, await socket.readToEnd())));
};

/** Pages of all calls, each with the cursor of none before: the first page again and again. */
export const listPages: Attack = async (run) => {
  const socket = await openSocket(run, run.key);
  await repeat(run, 1, async () => {
    if (socket?.readyState !== socket?.OPEN || !socket) return;
    run.tally.sent += 2;
    socket.send(rpc('CallList', { limit: 500 }));
    socket.send(rpc('CommandGet', { cmd_id: run.commandId }));
    await new Promise((resolve) => setTimeout(resolve, 10));
  });
  socket?.terminate();
};

/** A command that has ended, repeated with its `cmd_id`: each answer is read from the log. */
export const repeats: Attack = (run) =>
  repeat(run, 8, async () => {
    await sendRequest(run, run.key, '/v1/calls', {
      method: 'POST',
      headers: { 'Idempotency-Key': run.commandId },
      body: JSON.stringify({ caller: 'sip:keep.1@h.test', callee: 'sip:bob.1@h.test' }),
    });
  });
