/** Row 2: clients that send and do not read. @module */
import { connect } from 'node:net';
import { type Attack, delay, repeat, untilStopped } from '../attack.ts';
import { rpc } from '../clients.ts';
import { RawWebSocket } from '../raw-websocket.ts';

const SOCKETS = 10;
const READERS = 20;

/** Ten sockets that ask for long replies, and read none. */
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
      socket.send(rpc('CallList', { limit: 1_000 }));
      await delay(25);
    }
    if (hasEnded) tally.onClosed(0);
    socket.destroy();
  });
};

/** Event streams from the beginning of the log whose readers never read. */
export const eventsUnread: Attack = async (run) => {
  const { port, tokens, tally } = run;
  const sockets = Array.from({ length: READERS }, (_, n) => {
    tally.sent += 1;
    const socket = connect(port, '127.0.0.1');
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
  for (const socket of sockets) socket.destroy();
};
