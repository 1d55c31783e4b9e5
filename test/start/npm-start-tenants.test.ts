/** `npm start -- --tenants`: all steps of an operator from the first start to a tenant's call. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { WebSocket as Ws } from 'ws';
import { loadOrCreateSecrets } from '../../selfhost/secrets.ts';
import { startSimulator } from '../../simulator/index.ts';
import { Client, eventNames, phoneUri } from '../harness/client.ts';
import { findFreePort, spawnAdapter, waitUntil } from '../harness/stack.ts';

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

async function start(...args: string[]) {
  const child = spawn(process.execPath, [join(root, 'selfhost/start.ts'), '--tenants', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = once(child, 'exit');
  return {
    output: () => output,
    waitUntilReady: () => waitUntil(() => output.includes('Press Ctrl-C to stop')),
    exited,
    async interrupt(): Promise<void> {
      child.kill('SIGINT');
      await exited;
    },
  };
}

it('serves a tenant with its adapter, a token from its back end, and a call with the token in a subprotocol', async () => {
  const data = await mkdtemp(join(tmpdir(), 'call-api-'));
  const port = await findFreePort();
  const http = `http://127.0.0.1:${port}`;
  const ws = `ws://127.0.0.1:${port}`;

  const first = await start('--port', String(port), '--data', data);
  await first.waitUntilReady();
  const secrets = await readFile(join(data, 'secrets.json'), 'utf8');
  expect((await stat(join(data, 'secrets.json'))).mode & 0o777).toBe(0o600);
  const { ADMIN_SECRET } = JSON.parse(secrets) as { ADMIN_SECRET: string };
  expect(first.output()).not.toContain(ADMIN_SECRET);
  const admin = async (...args: string[]) => {
    const env = { ...process.env, ADMIN_SECRET, EDGE_URL: http };
    return (await run(process.execPath, [join(root, 'cli/admin.ts'), ...args], { env })).stdout.trim();
  };
  await admin('tenant', 'create', 'acme');
  await admin('site', 'create', 'acme', 'north');
  const adapterKey = await admin('key', 'create', 'acme', '--role', 'adapter', '--site', 'north');
  const apiKey = await admin('key', 'create', 'acme', '--role', 'api');

  await expect(Client.connect(`${ws}/call-api`)).rejects.toThrow();

  const simulator = await startSimulator({});
  const adapter = spawnAdapter({
    OPENSIPS_MI: `${simulator.mi.host}:${simulator.mi.port}`,
    EDGE_URL: `${ws}/adapter`,
    ADAPTER_KEY: adapterKey,
    SIP_NEXT_HOP: 'sip:127.0.0.1:5060',
  });
  const bearer = { Authorization: `Bearer ${apiKey}` };
  const health = async () =>
    (await (await fetch(`${http}/healthz?site=north`, { headers: bearer })).json()) as {
      link?: { connected: boolean };
    };
  await waitUntil(async () => (await health()).link?.connected === true);

  const claims = { site: 'north', subject: 'alice', caller: phoneUri('alice') };
  const tokenResponse = await fetch(`${http}/v1/tokens`, {
    method: 'POST',
    headers: bearer,
    body: JSON.stringify(claims),
  });
  const { token } = (await tokenResponse.json()) as { token: string };

  // A client that offers subprotocols closes the connection unless the server selects one of them.
  const protocols = ['call-api.v1', `call-api.token.${token}`];
  const client = await Client.connect(`${ws}/call-api`, protocols);
  const notifications = await client.runToEnd('CallStart', {
    caller: phoneUri('alice'),
    callee: phoneUri('bob'),
  });
  expect(eventNames(notifications)).toContain('CalleeAnswered');
  const otherCaller = { caller: phoneUri('mallory'), callee: phoneUri('bob') };
  expect(await client.request('CallStart', otherCaller)).toMatchObject({ error: { code: -32002 } });
  client.close();

  const webSocket = new Ws(`${ws}/call-api`, protocols);
  const [response] = (await once(webSocket, 'upgrade')) as [{ headers: Record<string, string> }];
  expect(response.headers['sec-websocket-protocol']).toBe('call-api.v1');
  expect(JSON.stringify(response.headers)).not.toContain(token);
  webSocket.terminate();

  expect(await admin('audit', 'acme')).toContain('token.mint');
  const logs = `${first.output()} ${adapter.log()}`;
  for (const credential of [token, apiKey, adapterKey, ADMIN_SECRET]) expect(logs).not.toContain(credential);
  await adapter.stop();
  await simulator.close();
  await first.interrupt();

  const second = await start('--port', String(port), '--data', data);
  await second.waitUntilReady();
  expect(await readFile(join(data, 'secrets.json'), 'utf8')).toBe(secrets);
  expect(await health()).toMatchObject({ site: 'acme/north' });
  await second.interrupt();
  await rm(data, { recursive: true, force: true });
});

it('refuses --opensips and points to the adapter', async () => {
  const refused = await start('--port', String(await findFreePort()), '--opensips', '127.0.0.1:8080');
  const [status] = (await refused.exited) as [number];
  expect(status).toBe(2);
  expect(refused.output()).toContain('npm run adapter');
});

it.each(['', '{', '{"ADMIN_SECRET":"only"}'])(
  'never overwrites secrets that it cannot read: %j',
  async (text) => {
    const data = await mkdtemp(join(tmpdir(), 'call-api-'));
    await writeFile(join(data, 'secrets.json'), text);
    await expect(loadOrCreateSecrets(data)).rejects.toThrow('secrets.json');
    expect(await readFile(join(data, 'secrets.json'), 'utf8')).toBe(text);
    await rm(data, { recursive: true, force: true });
  },
);
