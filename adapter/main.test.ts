import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeEdge } from './testing/fake-edge.ts';
import { FakeOpenSips } from './testing/fake-opensips.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Runs the real process, and gathers what it says. */
function run(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  children.push(child);
  const said = { out: '', err: '' };
  child.stdout.on('data', (data) => {
    said.out += data;
  });
  child.stderr.on('data', (data) => {
    said.err += data;
  });
  const exit = once(child, 'close').then(([code]) => code);
  return { child, said, exit };
}

describe('the process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('stops cleanly on %s', async (signal) => {
    const edge = await FakeEdge.start();
    const opensips = await FakeOpenSips.start();
    const { child, said, exit } = run(['--name', 'real'], {
      OPENSIPS_MI: `127.0.0.1:${opensips.address.port}`,
      EDGE_URL: edge.url,
      ADAPTER_KEY: 'very-secret',
    });
    await edge.until(() => edge.hellos[0]);
    child.kill(signal);
    expect(await exit).toBe(0);
    expect(edge.heard.at(-1)).toEqual({ type: 'goodbye' });
    expect(opensips.of('event_subscribe').filter(({ params }) => params['expire'] === 0)).toHaveLength(3);
    expect(edge.upgrades[0]?.headers.authorization).toBe('Bearer very-secret');
    expect(said.out).toContain('"msg":"stopped"');
    expect(said.out + said.err).not.toContain('very-secret');
    await edge.stop();
    await opensips.stop();
  });

  it('--help says how it is told, and exits 0', async () => {
    const { said, exit } = run(['--help']);
    expect(await exit).toBe(0);
    expect(said.out).toContain('--sip-next-hop');
  });

  it('that is wrongly told says why and exits 2', async () => {
    const { said, exit } = run(['--edge', 'http://x'], { ADAPTER_BUFFER: 'many' });
    expect(await exit).toBe(2);
    expect(said.err).toMatch(/--edge "http:\/\/x" is no WebSocket address/);
    expect(said.err).toMatch(/ADAPTER_BUFFER "many" must be a whole number/);
  });
});
