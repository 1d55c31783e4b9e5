import { connect } from 'call-api-edge-client';

// On your back end, an API key creates a token for one user, who can call from one address only.
async function createToken(subject: string): Promise<string> {
  const response = await fetch('http://localhost:5059/v1/tokens', {
    method: 'POST',
    headers: { Authorization: 'Bearer ca.YOUR-API-KEY' },
    body: JSON.stringify({ subject, caller: `sip:${subject}@127.0.0.1:5060`, expires_in: 600 }),
  });
  const { token } = (await response.json()) as { readonly token: string };
  return token;
}

// In the page, get the token from your back end. The client gets a new one before it expires, on the same socket.
const api = connect({
  url: 'ws://localhost:5059/call-api',
  getToken: () => createToken('alice'),
  onState: (state) => {
    if (state.status === 'closed') console.log(`closed: ${state.reason}`);
  },
});
const { callid } = await api.callStart({
  caller: 'sip:alice@127.0.0.1:5060',
  callee: 'sip:bob@127.0.0.1:5060',
}).ended;
await api.callEnd({ callid }).ended;
api.close();
// → closed: requested
