// npx openapi-ts -i http://localhost:5059/openapi.json -o call-api
import { client } from './call-api/client.gen';
import * as api from './call-api/sdk.gen';

client.setConfig({ baseUrl: 'http://localhost:5059' });

/** Waits for the end of a command. */
async function untilEnded(
  name: string,
  started: { readonly cmd_id: string; readonly event: string } | undefined,
) {
  if (!started) throw new Error(`${name} was refused`);
  console.log('request', name, started.event);
  const { data } = await api.command({ path: { cmd_id: started.cmd_id }, query: { wait: 30 } });
  return data?.events ?? [];
}

const body = { caller: 'sip:alice@127.0.0.1:5060', callee: 'sip:bob@127.0.0.1:5060' };
const events = await untilEnded('CallStart', (await api.start({ body })).data);
console.log('connect');
const transferred = events.find(({ event }) => event === 'TransferStart');
const { callid } = (transferred as { readonly data: { readonly callid: string } }).data;
await untilEnded('CallHold', (await api.hold({ path: { callid } })).data);
await untilEnded('CallEnd', (await api.end({ path: { callid } })).data);

const { error } = await api.start({ body: { ...body, callee: 'bob' } });
console.log('error', error?.code, error?.detail);
