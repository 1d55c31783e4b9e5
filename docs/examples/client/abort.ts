import { connect } from 'call-api-edge-client';

const api = connect({ url: 'ws://localhost:5059/call-api' });
const start = api.callStart({ caller: 'sip:ring@127.0.0.1:5060', callee: 'sip:bob@127.0.0.1:5060' });
const ringing = start[Symbol.asyncIterator]();
while ((await ringing.next()).value?.event !== 'CallerRinging');

// A signal stops the waiting only. A command that was sent continues to run.
const controller = new AbortController();
const list = api.calls.list({ signal: controller.signal });
controller.abort();
await list.catch((error: Error) => console.log(error.name));

// To end the call itself, whether it is ringing or answered:
await start.end().ended;
await start.ended.catch((error: Error) => console.log(error.message));
api.close();
// → AbortError
// → failed to establish initial call: 487 Request Terminated
