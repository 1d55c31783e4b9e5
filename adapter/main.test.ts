import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeEdge } from './testing/fake-edge.ts';
import { FakeOpenSips } from './testing/fake-opensips.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Runs the adapter as a process and collects its output. */
function run(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  children.push(child);
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk;
  });
  const exitCode = once(child, 'close').then(([code]) => code);
  return { child, output, exitCode };
}

describe('the adapter process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('stops cleanly on %s', async (signal) => {
    const edge = await FakeEdge.start();
    const opensips = await FakeOpenSips.start();
    const { child, output, exitCode } = run(['--name', 'real'], {
      OPENSIPS_MI: `127.0.0.1:${opensips.address.port}`,
      EDGE_URL: edge.url,
      ADAPTER_KEY: 'very-secret',
    });
    await edge.waitFor(() => edge.hellos[0]);
    child.kill(signal);
    expect(await exitCode).toBe(0);
    expect(edge.received.at(-1)).toEqual({ type: 'goodbye' });
    expect(
      opensips.requestsFor('event_subscribe').filter(({ params }) => params['expire'] === 0),
    ).toHaveLength(3);
    expect(edge.upgradeRequests[0]?.headers.authorization).toBe('Bearer very-secret');
    expect(output.stdout).toContain('"msg":"Stopped."');
    expect(output.stdout + output.stderr).not.toContain('very-secret');
    await edge.stop();
    await opensips.stop();
  });

  it('prints its flags with --help and exits with 0', async () => {
    const { output, exitCode } = run(['--help']);
    expect(await exitCode).toBe(0);
    expect(output.stdout).toContain('--sip-next-hop');
  });

  it('warns of a listener without TLS that other machines may reach', async () => {
    const args = ['--public-url', 'https://sbc.example', '--key', 'very-secret', '--opensips', '127.0.0.1:9'];
    const everywhere = run(['--listen', `0.0.0.0:${await findFreePort()}`, ...args]);
    await expect.poll(() => everywhere.output.stdout).toContain('Listening for the edge');
    expect(everywhere.output.stdout).toContain('The adapter listens without TLS');
    const onLoopback = run(['--listen', `127.0.0.1:${await findFreePort()}`, ...args]);
    await expect.poll(() => onLoopback.output.stdout).toContain('Listening for the edge');
    expect(onLoopback.output.stdout).not.toContain('without TLS');
    expect(onLoopback.output.stdout).toContain('"public_url":"https://sbc.example/"');
  });

  it('keeps running on SIGHUP, and says what it has done', async () => {
    const args = ['--public-url', 'https://sbc.example', '--key', 'very-secret', '--opensips', '127.0.0.1:9'];
    const { child, output } = run(['--listen', `127.0.0.1:${await findFreePort()}`, ...args]);
    await expect.poll(() => output.stdout).toContain('Listening for the edge');
    child.kill('SIGHUP');
    await expect.poll(() => output.stdout).toContain('There is no certificate to reload');
    expect(child.exitCode).toBeNull();
  });

  it('prints every invalid setting and exits with 2', async () => {
    const { output, exitCode } = run(['--edge', 'http://x'], { ADAPTER_BUFFER: 'many' });
    expect(await exitCode).toBe(2);
    expect(output.stderr).toMatch(/--edge.*http:\/\/x/);
    expect(output.stderr).toMatch(/ADAPTER_BUFFER.*many/);
  });
});
