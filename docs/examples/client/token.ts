import { connect } from 'call-api-edge-client';

// On your back end: an API key mints a token for one user, who may dial from one address only.
async function mint(subject: string): Promise<string> {
  const response = await fetch('http://localhost:5059/v1/tokens', {
    method: 'POST',
    headers: { Authorization: 'Bearer ca.YOUR-API-KEY' },
    body: JSON.stringify({ subject, caller: `sip:${subject}@127.0.0.1:5060`, expires_in: 600 }),
  });
  const { token } = (await response.json()) as { readonly token: string };
  return token;
}

// In the page: ask your back end for it. It is asked again in time, and the live socket goes on with the fresh one.
const api = connect({
  url: 'ws://localhost:5059/call-api',
  getToken: () => mint('alice'),
  onState: (state) => {
    if (state.is === 'closed') console.log(`closed: ${state.why}`);
  },
});
const { callid } = await api.callStart({
  caller: 'sip:alice@127.0.0.1:5060',
  callee: 'sip:bob@127.0.0.1:5060',
}).ended;
await api.callEnd({ callid }).ended;
api.close();
// → closed: asked
