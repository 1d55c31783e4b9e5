import { JSONRPCClient, JSONRPCServer, JSONRPCServerAndClient } from 'json-rpc-2.0';

const socket = new WebSocket('ws://localhost:5059/call-api', 'jsonrpc');
await new Promise((resolve) => socket.addEventListener('open', resolve));
console.log('connect');

const client = new JSONRPCServerAndClient(
  new JSONRPCServer(),
  new JSONRPCClient((request) => socket.send(JSON.stringify(request))),
);
socket.addEventListener('message', ({ data }) => client.receiveAndSend(JSON.parse(data)));

/** Runs a command. Resolves with its notifications, which are requests without an id to this end. */
async function run(method, params) {
  const notifications = [];
  const ended = new Promise((resolve) => {
    client.addMethod(method, (notification) => {
      notifications.push(notification);
      if (notification.event === 'Ended') resolve(notifications);
    });
  });
  const { event } = await client.request(method, params);
  console.log('request', method, event);
  return ended;
}

const changes = [];
const isOver = new Promise((resolve) => {
  client.addMethod('Call', ({ event }) => {
    changes.push(event);
    if (event === 'Ended' && changes.includes('Held')) resolve();
  });
});
await client.request('CallWatch', {});
const started = await run('CallStart', {
  caller: 'sip:alice@127.0.0.1:5060',
  callee: 'sip:bob@127.0.0.1:5060',
});
const { callid } = started.find(({ event }) => event === 'TransferStart').data;
await run('CallHold', { callid });
await run('CallEnd', { callid });
await isOver;
console.log('notification', changes.join(' '));

await client.request('CallStart', {}).catch(({ code, data }) => console.log('error', code, data));

const responses = await client.requestAdvanced([
  { jsonrpc: '2.0', id: 'a', method: 'CallList', params: {} },
  { jsonrpc: '2.0', id: 'b', method: 'CallGet', params: { callid } },
]);
console.log('batch', responses.length);
socket.close();
