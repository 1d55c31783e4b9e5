import { connect } from 'call-api-edge-client';

const api = connect({ url: 'ws://localhost:5059/call-api' });
const [caller, callee] = ['sip:alice@127.0.0.1:5060', 'sip:bob@127.0.0.1:5060'];
const { callid } = await api.callStart({ caller, callee }).ended;

await api.callHold({ callid }).ended;
await api.callUnhold({ callid }).ended;

// Bob is sent to Carol: that is a new call, with a Call-ID of its own.
const moved = await api.callBlindTransfer({ callid, leg: 'callee', destination: 'sip:carol@127.0.0.1:5060' })
  .ended;
console.log(moved.callid === callid ? 'the same call' : 'a new call');
await api.callEnd({ callid: moved.callid }).ended;

// All calls of the site are known, whoever made them, each with its history.
const { timeline } = await api.calls.get(callid);
console.log(timeline.some(({ event }) => event === 'Held') ? 'the first was held' : 'it was not');
api.close();
// → a new call
// → the first was held
