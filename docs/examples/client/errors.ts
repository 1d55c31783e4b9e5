import { CallApiError, connect, errorCode } from 'call-api-edge-client';

const api = connect({ url: 'ws://localhost:5059/call-api' });
try {
  await api.callStart({ caller: 'sip:busy@127.0.0.1:5060', callee: 'sip:bob@127.0.0.1:5060' }).ended;
} catch (error) {
  if (!(error instanceof CallApiError)) throw error;
  if (error.code === errorCode.refused) console.log(`refused: ${error.sip?.status} ${error.sip?.reason}`);
}

// A command that is refused before it starts rejects with the reason.
const invalid = api.callStart({ caller: 'alice', callee: 'sip:bob@127.0.0.1:5060' });
await invalid.ended.catch((error: CallApiError) => console.log(error.code === errorCode.invalidParams));
api.close();
// → refused: 486 Busy Here
// → true
