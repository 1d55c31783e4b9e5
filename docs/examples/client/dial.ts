import { connect } from 'call-api-edge-client';

const api = connect({ url: 'ws://localhost:5059/call-api' });
const start = api.callStart({
  caller: 'sip:alice@127.0.0.1:5060',
  callee: 'sip:bob@127.0.0.1:5060',
  display: 'Click to dial',
});

// Read the events of the command in order. `event` is the discriminant of their types.
for await (const step of start) {
  if (step.event === 'CallerRinging') console.log(`${step.data.caller} rings`);
  if (step.event === 'CalleeAnswered') console.log(`${step.data.callee} answers`);
}

// Or wait for the result only: the Call-ID, which identifies the call in further commands.
const { callid } = await start.ended;
await api.callEnd({ callid }).ended;
console.log('ended');
api.close();
// → sip:alice@127.0.0.1:5060 rings
// → sip:bob@127.0.0.1:5060 answers
// → ended
