import jayson from 'jayson/promise/index.js';

const client = jayson.Client.http({ host: 'localhost', port: 5059, path: '/v1/rpc' });

/** Runs a command, and waits for its end. Resolves with all that is known of it. */
async function run(method, params) {
  const { result } = await client.request(method, params);
  console.log('request', method, result.event);
  for (;;) {
    const { result: command } = await client.request('CommandGet', { cmd_id: result.cmd_id });
    if (command.state === 'ended') return command;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const { events } = await run('CallStart', {
  caller: 'sip:alice@127.0.0.1:5060',
  callee: 'sip:bob@127.0.0.1:5060',
});
console.log('connect');
const { callid } = events.find(({ event }) => event === 'TransferStart').data;
await run('CallHold', { callid });
await run('CallEnd', { callid });

// An error comes with the status 200, so that its code is not lost.
const { error } = await client.request('CallStart', {});
console.log('error', error.code, error.data);

const responses = await client.request([
  client.request('CallList', {}, undefined, false),
  client.request('CallGet', { callid }, undefined, false),
]);
console.log('batch', responses.length);
