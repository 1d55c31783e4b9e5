/** The request samples of the OpenAPI document get the documented responses from the running service. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCodeSamples } from '../../worker/reference/code-samples.ts';
import type { OpenApi, OpenApiOperation } from '../../worker/reference/openapi.ts';
import { callidOf, phoneUri } from '../harness/client.ts';
import { ADMIN_SECRET, MultiTenantStack } from '../harness/multi-tenant-stack.ts';
import { ADAPTER_KEY, type Stack, startStack } from '../harness/stack.ts';

const execute = promisify(execFile);

/** Streams and sockets do not end by themselves. */
const MAX_SECONDS = 2;
/** The exit code of curl after `--max-time`. */
const TIMED_OUT = 28;
const ENDLESS = ['socket', 'link', 'events'];

/** The administration, and issuing tokens, which requires an API key. The open tenant has neither. */
const isForTenants = ({ operationId, tags }: OpenApiOperation) =>
  tags.includes('Administration') || operationId === 'mint';
/** What a tenant manages itself: as the administration, with another credential and other paths. */
const isForManagers = ({ tags }: OpenApiOperation) => tags.includes('Management by tenants');
/** The name of a file of the console is not known here, and the adapter of the open tenant does not listen. */
const isForOpenTenant = (operation: OpenApiOperation) =>
  !isForTenants(operation) &&
  !isForManagers(operation) &&
  !['asset', 'knock'].includes(operation.operationId);

/** The values of names in the samples, by the text that they replace. */
type Replacements = Readonly<Record<string, string>>;

let stack: Stack;
let operations: OpenApiOperation[];
let openTenantEnv: NodeJS.ProcessEnv;
beforeAll(async () => {
  stack = await startStack();
  const url = `http://127.0.0.1:${stack.port}`;
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApi;
  operations = Object.values(paths).flatMap((methods) => Object.values(methods));
  openTenantEnv = { ...process.env, EDGE_URL: url, CALL_API_TOKEN: 'any', ADAPTER_KEY };
}, 60_000);
afterAll(() => stack?.[Symbol.asyncDispose]());

it('every curl sample for the open tenant gets the documented response', async () => {
  const names = await createCalls();
  for (const operation of operations.filter(isForOpenTenant)) {
    const sample = replaceNames(sourceOf(operation, 'curl'), names);
    const { status } = await runCurl(sample, openTenantEnv);
    const documented = documentedStatus(operation);
    // The redirect is followed to a page.
    expect(status, sample).toBe(documented === 302 ? 200 : documented);
  }
}, 120_000);

it('every JavaScript sample for the open tenant prints a response', async () => {
  const names = await createCalls();
  for (const operation of operations.filter(isForOpenTenant)) {
    if (ENDLESS.includes(operation.operationId)) continue;
    const sample = replaceNames(sourceOf(operation, 'JavaScript'), names);
    const args = ['--input-type=module', '--eval', sample];
    const { stdout } = await execute(process.execPath, args, { env: openTenantEnv });
    expect(stdout, operation.operationId).not.toBe('');
  }
}, 120_000);

it('the curl samples of the administration create, change and delete a tenant', async () => {
  const receiver = createServer((_, response) => response.writeHead(204).end()).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  await using tenants = await MultiTenantStack.start({ tenants: 0, sites: 0, webhooksToPrivate: true });
  const isDeletion = ({ operationId }: OpenApiOperation) => /^(?:delete|revoke)/.test(operationId);
  const administration = operations.filter(isForTenants).sort(byTag('Administration', 'Access'));
  const ordered = [
    ...administration.filter((operation) => !isDeletion(operation)),
    ...administration.filter(isDeletion).reverse(),
  ];
  const receiverPort = (receiver.address() as AddressInfo).port;
  const names: Record<string, string> = {
    'https://hooks.example/calls': `http://127.0.0.1:${receiverPort}/calls`,
  };
  const env = { ...process.env, EDGE_URL: `http://127.0.0.1:${tenants.port}`, ADMIN_SECRET };
  for (const operation of ordered) {
    const sample = replaceNames(sourceOf(operation, 'curl'), names);
    const apiKey = names['API_KEY'] ?? '';
    const { status, body } = await runCurl(sample, { ...env, CALL_API_TOKEN: apiKey });
    // A delivery is sent again once its first attempt has ended.
    const expected = [
      documentedStatus(operation),
      ...(operation.operationId === 'replayDelivery' ? [409] : []),
    ];
    expect(expected, `${sample}\n${status} ${body}`).toContain(status);
    const created = () => JSON.parse(body) as { id: string; key: string; n: number };
    // Without `grace`, a rotation ends the old key.
    if (['createKey', 'rotateKey'].includes(operation.operationId)) {
      names['/keys/k7m2'] = `/keys/${created().id}`;
      names['API_KEY'] = created().key;
    }
    if (operation.operationId === 'createWebhook') names['/webhooks/w1'] = `/webhooks/${created().id}`;
    if (operation.operationId === 'testWebhook') names['/deliveries/42'] = `/deliveries/${created().n}`;
  }
  receiver.close();
}, 120_000);

it('writes a body with apostrophes, quotes and constants correctly in each language', async () => {
  const body = {
    caller: "sip:o'neil@example.com",
    auto_answer: true,
    metadata: { note: 'true "x"', none: null },
  };
  const [curl = '', javaScript = '', python] = createCodeSamples({
    method: 'POST',
    path: '/v1/calls',
    credential: 'client',
    body,
    responseKind: 'json',
  }).map(({ source }) => source);
  const { stdout } = await execute('sh', [
    '-c',
    `curl() { for last; do :; done; printf %s "$last"; }\n${curl}`,
  ]);
  expect(JSON.parse(stdout)).toEqual(body);
  expect(JSON.parse(/JSON\.stringify\(([\s\S]*?)\),\n/.exec(javaScript)?.[1] ?? '')).toEqual(body);
  expect(python).toContain('"auto_answer": True,');
  expect(python).toContain(String.raw`"note": "true \"x\"",`);
  expect(python).toContain('"none": None');
});

/** Makes two calls and a command, and returns them as replacements of the names in the samples. */
async function createCalls(): Promise<Replacements> {
  const client = await stack.connectClient();
  const parties = { caller: phoneUri('alice'), callee: phoneUri('bob') };
  const start = async () => callidOf(await client.runToEnd('CallStart', parties), 'CalleeAnswered');
  const request = { method: 'POST', body: JSON.stringify(parties) };
  const command = await (await fetch(`http://127.0.0.1:${stack.port}/v1/calls`, request)).json();
  return {
    '5c2572635a67bd58': await start(),
    'a84b4c76e66710@10.0.0.10': await start(),
    'order-4711': (command as { cmd_id: string }).cmd_id,
    'b8179f1e-4f6b-4c4e-8d60-0f5f8f4b6f0a': (command as { cmd_id: string }).cmd_id,
  };
}

function replaceNames(sample: string, names: Replacements): string {
  return Object.entries(names).reduce((text, [name, value]) => text.replaceAll(name, value), sample);
}

function byTag(...tags: readonly string[]): (a: OpenApiOperation, b: OpenApiOperation) => number {
  const rank = (operation: OpenApiOperation) => tags.findIndex((tag) => operation.tags.includes(tag));
  return (a, b) => rank(a) - rank(b);
}

/** Returns the status of a success, which is documented first. */
function documentedStatus({ responses }: OpenApiOperation): number {
  return Math.min(...Object.keys(responses).map(Number));
}

function sourceOf(operation: OpenApiOperation, label: string): string {
  const sample = operation['x-codeSamples'].find((codeSample) => codeSample.label === label);
  return sample?.source ?? expect.unreachable(`${operation.operationId} has no sample in ${label}`);
}

/** Runs a sample in a shell where curl prints the status after the body. */
async function runCurl(sample: string, env: NodeJS.ProcessEnv): Promise<{ status: number; body: string }> {
  const options = `--silent --max-time ${MAX_SECONDS} --write-out '\\n%{http_code}'`;
  const script = `curl() { command curl ${options} "$@"; }\n${sample}`;
  const { stdout } = await execute('sh', ['-c', script], { env }).catch(
    (error: { code: number; stdout: string }) => {
      if (error.code === TIMED_OUT) return error;
      throw error;
    },
  );
  const end = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) };
}
