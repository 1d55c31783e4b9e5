import { type Call, connect } from 'call-api-edge-client';

const api = connect({ url: 'ws://localhost:5059/call-api' });
const calls = new Map<string, Call>();
api.callStart({ caller: 'sip:alice@127.0.0.1:5060', callee: 'sip:bob@127.0.0.1:5060' }, { cmdId: 'my-call' });

for await (const change of api.watch()) {
  // A reset replaces all earlier calls: the watch has missed changes, or the loop was too slow to read them.
  if (change.type === 'reset') calls.clear();
  if (change.type === 'snapshot' || change.type === 'reset')
    for (const call of change.calls) calls.set(call.callid, call);
  if (change.type === 'call') calls.set(change.call.callid, change.call);
  if (change.type === 'link') console.log(`OpenSIPS: ${change.link}`);

  // Leaving the loop ends the watch.
  const mine = [...calls.values()].filter(({ origin }) => origin?.cmd_id === 'my-call');
  if (mine.some(({ state, from }) => state === 'answered' && from !== undefined)) break;
}
console.log('both have answered');
await api.callEnd({ callid: 'my-call' }).ended;
api.close();
// → both have answered
