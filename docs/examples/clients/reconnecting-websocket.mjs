import ReconnectingWebSocket from 'reconnecting-websocket';

const session = crypto.randomUUID();
let lastSeq = 0;
// A session that resumes from the last number that it has received misses nothing.
const url = () => `ws://localhost:5059/call-api?session=${session}&since=${lastSeq}`;
const socket = new ReconnectingWebSocket(url, [], { WebSocket });
await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
console.log('connect');

const pending = new Map();
const listeners = new Set();
socket.addEventListener('message', ({ data }) => {
  const { id, method, params, ...response } = JSON.parse(data);
  if (method === undefined) pending.get(id)?.(response);
  if (params?.cmd_id !== undefined) lastSeq = Math.max(lastSeq, params.seq ?? 0);
  for (const listener of method === undefined ? [] : listeners) listener({ method, ...params });
});

let lastId = 0;
const request = (method, params) =>
  new Promise((resolve) => {
    pending.set(++lastId, resolve);
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: lastId, method, params }));
  });

/** Runs a command. Resolves with its notifications. */
async function run(method, params) {
  const notifications = [];
  const ended = new Promise((resolve) => {
    listeners.add((notification) => {
      if (notification.method !== method) return;
      notifications.push(notification);
      if (notification.event === 'Ended') resolve(notifications);
    });
  });
  const { result } = await request(method, params);
  console.log('request', method, result.event);
  return ended;
}

const changes = [];
const isOver = new Promise((resolve) => {
  listeners.add(({ method, event }) => {
    if (method !== 'Call') return;
    changes.push(event);
    if (event === 'Ended' && changes.includes('Held')) resolve();
  });
});
await request('CallWatch', {});
const started = await run('CallStart', {
  caller: 'sip:alice@127.0.0.1:5060',
  callee: 'sip:bob@127.0.0.1:5060',
});
const { callid } = started.find(({ event }) => event === 'TransferStart').data;
await run('CallHold', { callid });
await run('CallEnd', { callid });
await isOver;
console.log('notification', changes.join(' '));

const { error } = await request('CallStart', {});
console.log('error', error.code, error.data);

console.log('waiting for a break');
await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
await request('CallList', {});
console.log('reconnect');
socket.close();
