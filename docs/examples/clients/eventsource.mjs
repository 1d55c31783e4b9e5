import { EventSource } from 'eventsource';

const events = new EventSource('http://localhost:5059/v1/events');
await new Promise((resolve) => {
  events.onopen = resolve;
});
console.log('connect');

const post = async (path, method = 'POST', body = undefined) => {
  const response = await fetch(`http://localhost:5059${path}`, {
    method,
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return response.json();
};

/** Resolves with the params of the next notification for which a condition holds. */
const next = (condition) =>
  new Promise((resolve) => {
    events.addEventListener('message', function listener({ data }) {
      const { method, params } = JSON.parse(data);
      if (!condition({ method, ...params })) return;
      events.removeEventListener('message', listener);
      resolve(params);
    });
  });

const transferred = next(({ event }) => event === 'TransferStart');
const startEnded = next(({ method, event }) => method === 'CallStart' && event === 'Ended');
const { event } = await post('/v1/calls', 'POST', {
  caller: 'sip:alice@127.0.0.1:5060',
  callee: 'sip:bob@127.0.0.1:5060',
});
console.log('request', 'CallStart', event);
const { callid } = (await transferred).data;
await startEnded;
const held = next(
  ({ method, event, call }) => method === 'Call' && event === 'Held' && call.callid === callid,
);
await post(`/v1/calls/${callid}/hold`);
await held;
const ended = next(
  ({ method, event, call }) => method === 'Call' && event === 'Ended' && call.callid === callid,
);
await post(`/v1/calls/${callid}`, 'DELETE');
console.log('notification', 'Held', (await ended).event);

const { code, detail } = await post('/v1/calls', 'POST', {});
console.log('error', code, detail);

// It connects again by itself, and its `Last-Event-ID` gets it what it has missed.
console.log('waiting for a break');
// While it waits, it does not keep a process running; a server does that itself.
const running = setInterval(() => {}, 1_000);
await new Promise((resolve) => {
  events.onopen = resolve;
});
console.log('reconnect');
events.close();
clearInterval(running);
