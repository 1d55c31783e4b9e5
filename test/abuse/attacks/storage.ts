/** Clients that store as much as they can with what a token permits. @module */
import { type Attack, delay, repeat } from '../attack.ts';
import { openSocket, rpc } from '../clients.ts';

const SOCKETS = 50;
/** The pause of a socket between two messages, in milliseconds: twice the rate of a subject, so that the limits are reached. */
const PAUSE_MS = 10;
const metadata = { note: 'x'.repeat(2_000) };
/** As long as a Call-ID may be. */
const callid = (n: number, name: string) => `${name}-${n}-`.padEnd(4_096, 'c');

/** Requests that fail at once and are stored, each as long as it may be. Only the Echo is not stored. */
const REQUESTS: readonly ((n: number) => readonly [method: string, params: object])[] = [
  (n) => [
    'CallAttendedTransfer',
    { callidA: callid(n, 'a'), legA: 'caller', callidB: callid(n, 'b'), legB: 'callee' },
  ],
  (n) => ['CallHold', { callid: callid(n, 'hold') }],
  (n) => ['CallBlindTransfer', { callid: callid(n, 'move'), leg: 'caller', destination: 'sip:carol@h.test' }],
  (n) => ['CallEnd', { callid: callid(n, 'end') }],
  (n) => [
    'CallStart',
    { caller: `sip:busy.${n}@h.test`, callee: 'sip:bob@h.test', headers: { 'X-Long': 'x'.repeat(256) } },
  ],
];

/** Every kind of command that a token can store, with the longest ids, Call-IDs and metadata, in sessions of many names. */
export const storeAll: Attack = async (run) => {
  const { tokens, tally } = run;
  let count = 0;
  await repeat(run, SOCKETS, async (loop) => {
    const session = `session-${loop}-${++count}`.padEnd(64, 's');
    const socket = await openSocket(run, tokens[loop % tokens.length] ?? '', `/call-api?session=${session}`);
    if (!socket) return delay(PAUSE_MS);
    for (let n = 0; n < 100 && socket.readyState === socket.OPEN && !run.isStopped(); n++) {
      const [method, params] = REQUESTS[++count % REQUESTS.length]?.(count) ?? ['Echo', {}];
      const cmd_id = `key-${count}-`.padEnd(64, 'k');
      tally.sent += 1;
      socket.send(rpc(method, { ...params, metadata, cmd_id }, count));
      await delay(PAUSE_MS);
    }
    socket.terminate();
  });
};

/** The longest Echos, which are answered and not stored. */
export const storeEchoes: Attack = async (run) => {
  const { tokens, tally } = run;
  await repeat(run, SOCKETS, async (loop) => {
    const socket = await openSocket(run, tokens[loop % tokens.length] ?? '');
    for (let n = 0; n < 100 && socket?.readyState === socket?.OPEN && !run.isStopped(); n++) {
      tally.sent += 1;
      socket?.send(rpc('Echo', { cmd_id: `echo-${loop}-${n}`, text: 'x'.repeat(60_000) }, n));
      await delay(PAUSE_MS);
    }
    socket?.terminate();
  });
};
