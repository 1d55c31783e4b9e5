/** The socket of the running service and the documents of it agree. */
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AsyncApi } from '../../shared/reference/asyncapi.ts';
import type { OpenRpc, OpenRpcMethod } from '../../shared/reference/openrpc.ts';
import { callidOf, events, phone } from '../stack/client.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import { type Schema, valuesOf } from './arbitrary.ts';
import { closed, resolve } from './validators.ts';

let stack: Stack;
let openRpc: OpenRpc;
let asyncApi: AsyncApi;
beforeAll(async () => {
  stack = await startStack();
  openRpc = (await served('/openrpc.json')) as OpenRpc;
  asyncApi = (await served('/asyncapi.json')) as AsyncApi;
}, 60_000);
afterAll(() => stack?.[Symbol.asyncDispose]());

async function served(path: string): Promise<unknown> {
  return (await fetch(`http://127.0.0.1:${stack.port}${path}`)).json();
}

/** What is wrong with a value by a schema of that document, in which nothing may be that is not documented. */
function faultsOf(document: { readonly components: object }): (schema: object, value: unknown) => string[] {
  const ajv = new Ajv({ strict: false });
  addFormats.default(ajv);
  const { components } = document;
  const compiled = new Map<object, ReturnType<typeof ajv.compile>>();
  return (schema, value) => {
    const validate = compiled.get(schema) ?? ajv.compile(closed({ ...schema, components }));
    compiled.set(schema, validate);
    return validate(value) ? [] : [ajv.errorsText(validate.errors), JSON.stringify(value)];
  };
}

it('`rpc.discover` answers the OpenRPC document', async () => {
  const client = await stack.client();
  expect((await client.ask('rpc.discover', {})).result).toEqual(openRpc);
});

it('it serves the methods that are documented, and no others', async () => {
  const client = await stack.client();
  const { error } = await client.ask('no-such-method', {});
  expect(error?.code).toBe(-32601);
  const said = String(error?.data).split('there are ')[1]?.split(', ');
  expect(said?.sort()).toEqual(openRpc.methods.map(({ name }) => name).sort());
});

it('all that goes over a socket while calls are made, watched and changed is documented', async () => {
  const client = await stack.client('?session=documented');
  await client.ask('CallWatch', {});
  const started = await client.toEnd('CallStart', {
    caller: phone('alice'),
    callee: phone('answer-200'),
    metadata: { ticket: 7 },
  });
  const callid = callidOf(started, 'CalleeAnswered');
  await client.toEnd('CallHold', { callid });
  await client.toEnd('CallUnhold', { callid });
  await client.ask('CallGet', { callid });
  await client.ask('CallList', { limit: 1 });
  await client.toEnd('CallBlindTransfer', { callid, leg: 'callee', destination: phone('carol') });
  const failed = await client.toEnd('CallStart', { caller: phone('busy'), callee: phone('bob') });
  expect(events(failed)).toContain('Error');
  await client.toEnd('CallEnd', { callid: 'nobody-knows-it' });
  await client.toEnd('Echo', { any: ['thing'] });
  await client.ask('CallUnwatch', {});
  await client.ask('Authorize', { token: 'none' });
  const again = await stack.client('?session=documented&since=999999999999');
  await again.toEnd('Echo', {});

  const faults = faultsOf(asyncApi);
  const { messages } = asyncApi.components;
  const streamed = (await opening()).map((event) => event.replace(/^[\s\S]*?data: /, ''));
  const seen = new Set<string>();
  for (const frame of [...client.frames, ...again.frames, ...streamed]) {
    for (const message of [JSON.parse(frame)].flat() as { readonly method?: string }[]) {
      const names = Object.keys(messages).filter((name) =>
        message.method === undefined ? name.endsWith('Response') : name === `${message.method}Notice`,
      );
      const wrong = names.map((name) =>
        faults(resolve(asyncApi, messages[name]?.payload.$ref ?? '') as object, message),
      );
      expect(
        wrong.some((each) => each.length === 0),
        JSON.stringify([message, wrong]),
      ).toBe(true);
      if (message.method !== undefined) seen.add(message.method);
    }
  }
  expect([...seen].sort()).toEqual(
    [
      'Call',
      'CallBlindTransfer',
      'CallEnd',
      'CallHold',
      'CallStart',
      'CallUnhold',
      'Calls',
      'Echo',
      'SessionReset',
    ].sort(),
  );
}, 120_000);

/** The first event of a stream. */
async function opening(): Promise<string[]> {
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
  throw new Error('the stream ended before anything was told');
}

/** Requests of each method. */
const EACH = 40;
/** What they are is the same each time; a failure names it. */
const SEED = 7;

it('requests made of the document, right and nearly right, are answered as it says', async () => {
  const client = await stack.client();
  const faults = faultsOf(openRpc);
  const outcomes = new Set<string>();
  for (const method of openRpc.methods) {
    const codes = method.errors.map(({ $ref }) => (resolve(openRpc, $ref) as { code: number }).code);
    for (const params of fc.sample(paramsOf(method), { seed: SEED, numRuns: EACH })) {
      const asked = `${method.name} ${JSON.stringify(params)}`;
      const { result, error } = await client.ask(method.name, params);
      outcomes.add(`${method.name} ${error ? error.code : 'result'}`);
      if (error) expect(codes, `${asked}: ${JSON.stringify(error)}`).toContain(error.code);
      else expect(faults(method.result.schema, result), asked).toEqual([]);
    }
  }
  // Enough of them is right that each method is reached, but for those that need a token or a call that there is.
  const reached = openRpc.methods.filter(({ name }) => name !== 'Authorize' && name !== 'CallGet');
  for (const { name } of reached) expect([...outcomes]).toContain(`${name} result`);
  expect([...outcomes]).toContain('CallStart -32602');
}, 120_000);

/** Params by name; one in five members is anything at all. */
function paramsOf({ params }: OpenRpcMethod): fc.Arbitrary<unknown> {
  const properties = Object.fromEntries(params.map(({ name, schema }) => [name, schema as Schema]));
  const required = params.filter((each) => each.required === true).map(({ name }) => name);
  const right = valuesOf({ type: 'object', properties, required }, openRpc);
  const near = valuesOf({ type: 'object', properties, required }, openRpc, 0.2);
  return fc.oneof(right, near);
}
