/**
 * The smallest client: sends one request over the WebSocket and prints what comes, until the command has ended.
 * `npm run call -- METHOD '{"name":"value"}'`; `CALL_API` is where to, `CALL_API_TOKEN` a token or a key if one is needed.
 * @module
 */
const [method = 'Echo', params = '{}'] = process.argv.slice(2);
const url = process.env['CALL_API'] ?? 'ws://localhost:5059/call-api';
const token = process.env['CALL_API_TOKEN'];

const socket = new WebSocket(url, token === undefined ? [] : ['call-api.v1', `call-api.token.${token}`]);
socket.onopen = () => {
  const request = JSON.stringify({ jsonrpc: '2.0', id: '1', method, params: JSON.parse(params) });
  process.stdout.write(`→ ${request}\n`);
  socket.send(request);
};
socket.onmessage = ({ data }) => {
  process.stdout.write(`← ${data}\n`);
  const message: { error?: unknown; params?: { event: string } } = JSON.parse(String(data));
  if (message.error || message.params?.event === 'Ended') socket.close();
};
socket.onerror = () => {
  const otherwise = token === undefined ? 'start one with: npm start' : 'or it does not take CALL_API_TOKEN';
  process.stderr.write(`No Call API answers at ${url}; ${otherwise}\n`);
  process.exitCode = 1;
};
