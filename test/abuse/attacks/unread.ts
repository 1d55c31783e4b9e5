/** Row 2: clients that send and do not read. @module */
import { once } from 'node:events';
import { connect } from 'node:net';
import { type Attack, delay, repeat, untilStopped } from '../attack.ts';
import { rpc } from '../clients.ts';
import { found, RawWebSocket, READ_MS } from '../raw-websocket.ts';

const SOCKETS = 10;
const READERS = 20;
/** A response repeats the id of its request. */
const LONG_ID = 'x'.repeat(30_000);

/** Ten sockets that ask for long replies, and read none until the end. */
export const repliesUnread: Attack = async (run) => {
  const { port, tokens, tally } = run;
  await repeat(run, SOCKETS, async (loop) => {
    tally.sent += 1;
    const onBytes = (count: number) => tally.onBytes(count);
    let hasEnded = false;
    const { status, text, socket } = await RawWebSocket.open({
      port,
      path: '/call-api',
      credential: tokens[loop] ?? '',
      reads: false,
      onBytes,
      onEnd: () => {
        hasEnded = true;
      },
    });
    if (status !== 101) {
      tally.onRefused(status, text);
      return delay(50);
    }
    tally.onOpened();
    while (!run.isStopped() && !hasEnded) {
      tally.sent += 1;
      const isList = tally.sent % 2 === 0;
      socket.send(isList ? rpc('CallList', { limit: 500 }) : rpc('CallUnwatch', {}, LONG_ID));
      await delay(25);
    }
    found(tally, hasEnded ? 0 : await socket.readToEnd());
  });
};

/** Event streams from the beginning of the log whose readers never read. */
export const eventsUnread: Attack = async (run) => {
  const { port, tokens, tally } = run;
  const sockets = Array.from({ length: READERS }, (_, n) => {
    tally.sent += 1;
    const socket = connect(port, '127.0.0.1');
    tally.onOpened();
    socket.on('error', () => {});
    socket.pause();
    const lines = [
      'GET /v1/events?since=1 HTTP/1.1',
      `Host: 127.0.0.1:${port}`,
      `Authorization: Bearer ${tokens[n] ?? ''}`,
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    return socket;
  });
  await untilStopped(run);
  await Promise.all(
    sockets.map(async (socket) => {
      const hasEnded = once(socket, 'end').then(() => tally.onFoundClosed(0));
      socket.resume();
      await Promise.race([hasEnded, delay(READ_MS)]);
      socket.destroy();
    }),
  );
};
