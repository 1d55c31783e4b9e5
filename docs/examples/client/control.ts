import { connect } from 'call-api-edge-client';

const api = connect({ url: 'ws://localhost:5059/call-api' });
const [caller, callee] = ['sip:alice@127.0.0.1:5060', 'sip:bob@127.0.0.1:5060'];
const { callid } = await api.callStart({ caller, callee }).ended;

await api.callHold({ callid }).ended;
await api.callUnhold({ callid }).ended;

// Transfer Bob to Carol. The result is a new call with its own Call-ID.
const transferred = await api.callBlindTransfer({
  callid,
  leg: 'callee',
  destination: 'sip:carol@127.0.0.1:5060',
}).ended;
console.log(transferred.callid === callid ? 'the same call' : 'a new call');
await api.callEnd({ callid: transferred.callid }).ended;

// The site knows all its calls and their history, no matter who started them.
const { timeline } = await api.calls.get(callid);
console.log(timeline.some(({ event }) => event === 'Held') ? 'the first call was held' : 'it was not held');
api.close();
// → a new call
// → the first call was held
