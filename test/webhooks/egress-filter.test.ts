/** The filter for connections of webhooks, in a real workerd: each kind of address that is not public, and the machine's own. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { egressNetwork } from '../../selfhost/egress.ts';
import { isSpecialHost } from '../../shared/policy/special-addresses.ts';
import { findFreePort, stopProcess, waitUntil } from '../harness/stack.ts';

/** One or two addresses of each network, and what surrounds it. */
const SPECIAL = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '100.127.255.254', '127.0.0.1', '127.9.9.9'],
  ...[
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.254',
    '192.0.0.1',
    '192.0.2.1',
    '192.88.99.1',
    '192.168.0.1',
  ],
  ...['198.18.0.1', '198.19.255.254', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.1.1.1', '240.0.0.1'],
  ...['255.255.255.255', '[::]', '[::1]', '[::8.8.8.8]', '[::ffff:127.0.0.1]', '[::ffff:0:127.0.0.1]'],
  ...[
    '[64:ff9b::10.0.0.1]',
    '[64:ff9b:1::10.0.0.1]',
    '[100::1]',
    '[100:0:0:1::1]',
    '[2001::1]',
    '[2001:2::1]',
  ],
  ...['[2001:20::1]', '[2001:db8::1]', '[2002:a00:1::]', '[3fff::1]', '[5f00::1]', '[fc00::1]', '[fd00::1]'],
  ...['[fe80::1]', '[fec0::1]', '[ff02::1]'],
];
/** Root name servers, as addresses that are surely public; the machine of the test "has" the first two. */
const OWN = ['198.41.0.4', '[2001:503:ba3e::2:30]'];
const PUBLIC = [
  '199.9.14.201',
  '[2801:1b8:10::b]',
  '[2001:500:2::c]',
  '100.63.255.255',
  '172.32.0.1',
  '198.20.0.1',
];

/** How workerd tells a Worker that an address is filtered. Other errors of a connection have other messages. */
const FILTERED = /^internal error/;

/** A Worker that says how each connection failed. A public address may or may not be reached from here. */
const PROBE = `export default {
  async fetch(request) {
    const probe = (host) =>
      fetch('http://' + host + ':1/', { signal: AbortSignal.timeout(1000) }).then(() => 'answered', (error) => error.message);
    const hosts = await request.json();
    return Response.json(await Promise.all(hosts.map(async (host) => [host, await probe(host)])));
  },
};`;

it('refuses each kind of address that is not public, and those of the machine itself', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'call-api-'));
  const port = await findFreePort();
  const interfaces = { eth0: [{ address: '198.41.0.4' }, { address: '2001:503:ba3e::2:30%eth0' }] };
  await writeFile(join(folder, 'probe.js'), PROBE);
  await writeFile(
    join(folder, 'probe.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "probe", worker = (modules = [(name = "probe", esModule = embed "probe.js")], compatibilityDate = "2026-01-01")),
    (name = "internet", network = ${egressNetwork(interfaces, false)}),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", service = "probe", http = ())],
);`,
  );
  const { default: workerd } = createRequire(import.meta.url)('workerd') as { readonly default: string };
  const child = spawn(workerd, ['serve', join(folder, 'probe.capnp')], { stdio: 'ignore' });
  const probe = async (hosts: readonly string[]) => {
    const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: JSON.stringify(hosts) });
    return (await response.json()) as [host: string, error: string][];
  };
  try {
    await waitUntil(async () => (await probe([])).length === 0);
    for (const [host, error] of await probe([...SPECIAL, ...OWN])) expect(error, host).toMatch(FILTERED);
    for (const [host, error] of await probe(PUBLIC)) expect(error, host).not.toMatch(FILTERED);
  } finally {
    await stopProcess(child, 'SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
});

it('recognizes the same addresses in a URL', () => {
  for (const host of SPECIAL) expect(isSpecialHost(new URL(`https://${host}/`).hostname), host).toBe(true);
  for (const host of [...PUBLIC, ...OWN, 'example.com', 'localhost.example.com'])
    expect(isSpecialHost(new URL(`https://${host}/`).hostname), host).toBe(false);
});
