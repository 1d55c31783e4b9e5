import { Client } from 'rpc-websockets';

const client = new Client('ws://localhost:5059/call-api');
await new Promise((resolve) => client.once('open', resolve));
console.log('connect');

/** Runs a command. Resolves with its notifications, which are events with the name of its method. */
async function run(method, params) {
  const notifications = [];
  const ended = new Promise((resolve) => {
    client.on(method, (notification) => {
      notifications.push(notification);
      if (notification.event === 'Ended') resolve(notifications);
    });
  });
  const { event } = await client.call(method, params);
  console.log('request', method, event);
  return ended;
}

const changes = [];
const isOver = new Promise((resolve) => {
  client.on('Call', ({ event }) => {
    changes.push(event);
    if (event === 'Ended' && changes.includes('Held')) resolve();
  });
});
await client.call('CallWatch', {});
const started = await run('CallStart', {
  caller: 'sip:alice@127.0.0.1:5060',
  callee: 'sip:bob@127.0.0.1:5060',
});
const { callid } = started.find(({ event }) => event === 'TransferStart').data;
await run('CallHold', { callid });
await run('CallEnd', { callid });
await isOver;
console.log('notification', changes.join(' '));

await client.call('CallStart', {}).catch(({ code, data }) => console.log('error', code, data));

// It connects again by itself. Add `?session=…&since=…` to the URL to miss nothing.
console.log('waiting for a break');
await new Promise((resolve) => client.once('open', resolve));
await client.call('CallList', {});
console.log('reconnect');
process.exit();
