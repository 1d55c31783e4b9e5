import { type Call, connect } from 'call-api-edge-client';

const api = connect({ url: 'ws://localhost:5059/call-api' });
const board = new Map<string, Call>();
api.callStart({ caller: 'sip:alice@127.0.0.1:5060', callee: 'sip:bob@127.0.0.1:5060' }, { cmdId: 'seen' });

for await (const change of api.watch()) {
  // A reset says that what was known is void: too much was missed, or came faster than it was read.
  if (change.type === 'reset') board.clear();
  if (change.type === 'snapshot' || change.type === 'reset')
    for (const call of change.calls) board.set(call.callid, call);
  if (change.type === 'call') board.set(change.call.callid, change.call);
  if (change.type === 'link') console.log(`OpenSIPS: ${change.link}`);

  // The loop's end ends the watch.
  const mine = [...board.values()].filter(({ origin }) => origin?.cmd_id === 'seen');
  if (mine.some(({ state, from }) => state === 'answered' && from !== undefined)) break;
}
console.log('they speak');
await api.callEnd({ callid: 'seen' }).ended;
api.close();
// → they speak
