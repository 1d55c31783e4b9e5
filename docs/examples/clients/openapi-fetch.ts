// npx openapi-typescript http://localhost:5059/openapi.json -o call-api.d.ts
import createClient from 'openapi-fetch';
import type { paths } from './call-api.d.ts';

const client = createClient<paths>({ baseUrl: 'http://localhost:5059' });

/** Waits for the end of a command. */
async function untilEnded(
  name: string,
  started: { readonly cmd_id: string; readonly event: string } | undefined,
) {
  if (!started) throw new Error(`${name} was refused`);
  console.log('request', name, started.event);
  const path = { cmd_id: started.cmd_id };
  const { data } = await client.GET('/v1/commands/{cmd_id}', { params: { path, query: { wait: 30 } } });
  return data?.events ?? [];
}

const body = { caller: 'sip:alice@127.0.0.1:5060', callee: 'sip:bob@127.0.0.1:5060' };
const start = await client.POST('/v1/calls', { body });
const events = await untilEnded('CallStart', start.data);
console.log('connect');
const transferred = events.find(({ event }) => event === 'TransferStart');
const { callid } = (transferred as { readonly data: { readonly callid: string } }).data;
const params = { path: { callid } };
await untilEnded('CallHold', (await client.POST('/v1/calls/{callid}/hold', { params })).data);
await untilEnded('CallEnd', (await client.DELETE('/v1/calls/{callid}', { params })).data);

const { error } = await client.POST('/v1/calls', { body: { ...body, callee: 'bob' } });
console.log('error', error?.code, error?.detail);
