/** The WebSocket API of the running service conforms to its OpenRPC and AsyncAPI documents. */
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AsyncApi } from '../../shared/reference/asyncapi.ts';
import type { OpenRpc, OpenRpcMethod } from '../../shared/reference/openrpc.ts';
import { callidOf, eventNames, phoneUri } from '../harness/client.ts';
import { type Stack, startStack } from '../harness/stack.ts';
import { type Schema, valuesOf } from './schema-arbitraries.ts';
import { createValueValidator, resolveReference } from './validators.ts';

let stack: Stack;
let openRpc: OpenRpc;
let asyncApi: AsyncApi;
beforeAll(async () => {
  stack = await startStack();
  openRpc = (await fetchDocument('/openrpc.json')) as OpenRpc;
  asyncApi = (await fetchDocument('/asyncapi.json')) as AsyncApi;
}, 60_000);
afterAll(() => stack?.[Symbol.asyncDispose]());

async function fetchDocument(path: string): Promise<unknown> {
  return (await fetch(`http://127.0.0.1:${stack.port}${path}`)).json();
}

it('`rpc.discover` returns the OpenRPC document', async () => {
  const client = await stack.connectClient();
  expect((await client.request('rpc.discover', {})).result).toEqual(openRpc);
});

it('serves exactly the documented methods', async () => {
  const client = await stack.connectClient();
  const { error } = await client.request('no-such-method', {});
  expect(error?.code).toBe(-32601);
  const [, list = ''] = /does not exist\. Use (.*)\.$/.exec(String(error?.data)) ?? [];
  const served = list.split(/, | or /);
  expect(served.sort()).toEqual(openRpc.methods.map(({ name }) => name).sort());
});

it('documents every message that it sends while calls are made, watched and changed', async () => {
  const client = await stack.connectClient('?session=documented');
  await client.request('CallWatch', {});
  const started = await client.runToEnd('CallStart', {
    caller: phoneUri('alice'),
    callee: phoneUri('answer-200'),
    metadata: { ticket: 7 },
  });
  const callid = callidOf(started, 'CalleeAnswered');
  await client.runToEnd('CallHold', { callid });
  await client.runToEnd('CallUnhold', { callid });
  await client.request('CallGet', { callid });
  await client.request('CallList', { limit: 1 });
  await client.runToEnd('CallBlindTransfer', { callid, leg: 'callee', destination: phoneUri('carol') });
  const failed = await client.runToEnd('CallStart', { caller: phoneUri('busy'), callee: phoneUri('bob') });
  expect(eventNames(failed)).toContain('Error');
  await client.runToEnd('CallEnd', { callid: 'unknown-call' });
  await client.runToEnd('Echo', { any: ['thing'] });
  await client.request('CallUnwatch', {});
  await client.request('Authorize', { token: 'none' });
  const resumed = await stack.connectClient('?session=documented&since=999999999999');
  await resumed.runToEnd('Echo', {});

  const validate = createValueValidator(new Ajv({ strict: false }), asyncApi);
  const { messages } = asyncApi.components;
  const streamed = (await firstStreamEvents()).map((event) => event.replace(/^[\s\S]*?data: /, ''));
  const notified = new Set<string>();
  for (const frame of [...client.frames, ...resumed.frames, ...streamed]) {
    for (const message of [JSON.parse(frame)].flat() as { readonly method?: string }[]) {
      const { method } = message;
      const candidates = Object.keys(messages).filter((name) =>
        method === undefined ? name.endsWith('Response') : name === `${method}Notification`,
      );
      const errors = candidates.map((name) =>
        validate(resolveReference(asyncApi, messages[name]?.payload.$ref ?? '') as object, message),
      );
      const isDocumented = errors.some((list) => list.length === 0);
      expect(isDocumented, JSON.stringify([message, errors])).toBe(true);
      if (method !== undefined) notified.add(method);
    }
  }
  expect([...notified].sort()).toEqual(
    [
      'Call',
      'CallBlindTransfer',
      'CallEnd',
      'CallHold',
      'CallStart',
      'CallUnhold',
      'Calls',
      'Closing',
      'Echo',
      'SessionReset',
    ].sort(),
  );
}, 120_000);

/** Returns the first events of `GET /v1/events`. */
async function firstStreamEvents(): Promise<string[]> {
  const response = await fetch(`http://127.0.0.1:${stack.port}/v1/events`);
  let text = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const events = text
      .split('\n\n')
      .slice(0, -1)
      .filter((event) => event.includes('data: '));
    if (events.length > 0) return events;
  }
  throw new Error('the stream ended before its first event');
}

const REQUESTS_PER_METHOD = 40;
/** The requests are the same in every run. A failure prints them. */
const SEED = 7;
/** One in five params is any JSON. */
const MUTATION_RATE = 0.2;

it('answers valid and nearly valid requests as documented', async () => {
  const client = await stack.connectClient();
  const validate = createValueValidator(new Ajv({ strict: false }), openRpc);
  const outcomes = new Set<string>();
  for (const method of openRpc.methods) {
    const codes = method.errors.map(({ $ref }) => (resolveReference(openRpc, $ref) as { code: number }).code);
    for (const params of fc.sample(paramsOf(method), { seed: SEED, numRuns: REQUESTS_PER_METHOD })) {
      const request = `${method.name} ${JSON.stringify(params)}`;
      const { result, error } = await client.request(method.name, params);
      outcomes.add(`${method.name} ${error ? error.code : 'result'}`);
      if (error) expect(codes, `${request}: ${JSON.stringify(error)}`).toContain(error.code);
      else expect(validate(method.result.schema, result), request).toEqual([]);
    }
  }
  // Every method succeeds at least once, except those that need a valid token or an existing call.
  const others = ['Acknowledge', 'Authorize', 'CallGet'];
  const expected = openRpc.methods.filter(({ name }) => !others.includes(name));
  for (const { name } of expected) expect([...outcomes]).toContain(`${name} result`);
  expect([...outcomes]).toContain('CallStart -32602');
}, 120_000);

function paramsOf({ params }: OpenRpcMethod): fc.Arbitrary<unknown> {
  const properties = Object.fromEntries(params.map(({ name, schema }) => [name, schema as Schema]));
  const required = params.filter((param) => param.required === true).map(({ name }) => name);
  const schema = { type: 'object', properties, required };
  return fc.oneof(valuesOf(schema, openRpc), valuesOf(schema, openRpc, MUTATION_RATE));
}
