/** `npm start -- --tenants`: from nothing to a call of a tenant, as its operator goes. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { WebSocket as Ws } from 'ws';
import { secretsIn } from '../selfhost/secrets.ts';
import { startSimulator } from '../simulator/index.ts';
import { Client, events, phone } from './stack/client.ts';
import { freePort, spawnAdapter, until } from './stack/stack.ts';

const root = resolve(import.meta.dirname, '..');
const run = promisify(execFile);

async function start(...args: string[]) {
  const child = spawn(process.execPath, [join(root, 'selfhost/start.ts'), '--tenants', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, 'exit');
  return {
    output: () => output,
    up: () => until(() => output.includes('Ctrl-C ends it all')),
    ended,
    async interrupt(): Promise<void> {
      child.kill('SIGINT');
      await ended;
    },
  };
}

it('serves a tenant: its adapter, a token that its back end mints, a call over the subprotocol', async () => {
  const data = await mkdtemp(join(tmpdir(), 'call-api-'));
  const port = await freePort();
  const http = `http://127.0.0.1:${port}`;
  const ws = `ws://127.0.0.1:${port}`;

  const first = await start('--port', String(port), '--data', data);
  await first.up();
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
  await until(async () => (await health()).link?.connected === true);

  const wish = { site: 'north', subject: 'alice', caller: phone('alice') };
  const minted = await fetch(`${http}/v1/tokens`, {
    method: 'POST',
    headers: bearer,
    body: JSON.stringify(wish),
  });
  const { token } = (await minted.json()) as { token: string };

  // A client that has offered subprotocols hangs up unless one of them is selected: so it was.
  const protocols = ['call-api.v1', `call-api.token.${token}`];
  const client = await Client.connect(`${ws}/call-api`, protocols);
  const told = await client.toEnd('CallStart', { caller: phone('alice'), callee: phone('bob') });
  expect(events(told)).toContain('CalleeAnswered');
  const elsewhere = { caller: phone('mallory'), callee: phone('bob') };
  expect(await client.ask('CallStart', elsewhere)).toMatchObject({ error: { code: -32002 } });
  client.close();

  const strict = new Ws(`${ws}/call-api`, protocols);
  const [answer] = (await once(strict, 'upgrade')) as [{ headers: Record<string, string> }];
  expect(answer.headers['sec-websocket-protocol']).toBe('call-api.v1');
  expect(JSON.stringify(answer.headers)).not.toContain(token);
  strict.terminate();

  expect(await admin('audit', 'acme')).toContain('token.mint');
  const logs = `${first.output()} ${adapter.log()}`;
  for (const credential of [token, apiKey, adapterKey, ADMIN_SECRET]) expect(logs).not.toContain(credential);
  await adapter.stop();
  await simulator.close();
  await first.interrupt();

  const second = await start('--port', String(port), '--data', data);
  await second.up();
  expect(await readFile(join(data, 'secrets.json'), 'utf8')).toBe(secrets);
  expect(await health()).toMatchObject({ site: 'acme/north' });
  await second.interrupt();
  await rm(data, { recursive: true, force: true });
});

it('says where an OpenSIPS is to be named instead', async () => {
  const refused = await start('--port', String(await freePort()), '--opensips', '127.0.0.1:8080');
  const [status] = (await refused.ended) as [number];
  expect(status).toBe(1);
  expect(refused.output()).toContain('npm run adapter');
});

it.each(['', '{', '{"ADMIN_SECRET":"only"}'])(
  'never writes over secrets that it cannot read: %j',
  async (text) => {
    const data = await mkdtemp(join(tmpdir(), 'call-api-'));
    await writeFile(join(data, 'secrets.json'), text);
    await expect(secretsIn(data)).rejects.toThrow('secrets.json');
    expect(await readFile(join(data, 'secrets.json'), 'utf8')).toBe(text);
    await rm(data, { recursive: true, force: true });
  },
);
