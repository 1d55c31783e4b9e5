/**
 * A company's network: the edge is behind TLS with the certificate of a private authority, and only a proxy with a password leads to it:
 * nothing listens on port 443 of this machine, which is where the edge says that it is.
 * The adapter, `--check` and the command line are processes, as users run them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { createServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CertificateAuthority, HAS_OPENSSL } from '../adapter/testing/certificates.ts';
import { ConnectProxy } from '../adapter/testing/connect-proxy.ts';
import { ADAPTER_KEY, type Stack, startStack } from './harness/stack.ts';

const root = resolve(import.meta.dirname, '..');
const ADMIN_SECRET = 'admin-secret-of-the-tests-0123456789';

describe.skipIf(!HAS_OPENSSL)('in a company’s network (needs openssl)', () => {
  let stack: Stack;
  let authority: CertificateAuthority;
  let proxy: ConnectProxy;
  let stopTls: () => void;
  beforeAll(async () => {
    stack = await startStack({ startsAdapter: false, secrets: { ADMIN_SECRET } });
    authority = new CertificateAuthority();
    const tls = createServer(authority.issue('DNS:localhost'), (socket) => {
      const plain = connect(stack.port, '127.0.0.1');
      socket.pipe(plain).pipe(socket);
      for (const each of [socket, plain]) {
        each.on('error', () => {});
        each.on('close', () => (each === socket ? plain : socket).destroy());
      }
    });
    tls.listen(0, '127.0.0.1');
    await once(tls, 'listening');
    stopTls = () => void tls.close();
    proxy = await ConnectProxy.start((tls.address() as AddressInfo).port);
    proxy.credentials = 'user:secret';
  });
  afterAll(async () => {
    await stack[Symbol.asyncDispose]();
    await proxy.stop();
    stopTls();
    authority.remove();
  });

  const environment = (): Record<string, string> => ({
    HTTPS_PROXY: `http://user:secret@127.0.0.1:${proxy.port}`,
    EDGE_CA: authority.caPath,
    CALL_API_CA: authority.caPath,
    ADMIN_SECRET,
  });

  /** Runs a program, and returns its exit code and output. The variables are all that it has. */
  async function run(args: readonly string[], env: Record<string, string> = environment()) {
    const [script = '', ...rest] = args;
    const child: ChildProcess = spawn(process.execPath, [resolve(root, script), ...rest], {
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (!child.stdout || !child.stderr) throw new Error('The program has no output.');
    const [out, err, [exit]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit') as Promise<[number | null]>,
    ]);
    return { exit, out, err };
  }

  const check = (env?: Record<string, string>) =>
    run(['adapter/main.ts', '--check', '--edge', 'wss://localhost/adapter', '--key', ADAPTER_KEY], env);

  it('carries the adapter, and a check that finds no fault does not disturb it', async () => {
    const adapter = await stack.startAdapter({ ...environment(), EDGE_URL: 'wss://localhost/adapter' });
    await stack.waitForLink(true);
    const { exit, out } = await check();
    expect(out).toMatch(
      /✓ version {2}The edge \(.*\) and this adapter .* The adapter test is connected\.\n$/,
    );
    expect(out.match(/^[✓·] /gm)).toHaveLength(8);
    expect(exit).toBe(0);
    // Still the same connection.
    expect(adapter.log()).not.toContain('was lost');
    expect((await stack.fetchHealth()).link).toMatchObject({ connected: true, adapter: 'test' });
    await adapter.stop();
    expect(adapter.log() + out).not.toContain('secret');
  });

  it('names the first step that fails, and exits with 3', async () => {
    const { EDGE_CA: _, ...withoutAuthority } = environment();
    const untrusted = await check(withoutAuthority);
    expect(untrusted.exit).toBe(3);
    expect(untrusted.out).toMatch(/✓ proxy .*\n✗ tls .*does not trust\.\n.*→ Use --ca .*\n· http /);
    const withoutPassword = await check({ ...environment(), HTTPS_PROXY: `127.0.0.1:${proxy.port}` });
    expect(withoutPassword.exit).toBe(3);
    expect(withoutPassword.out).toMatch(/✗ proxy .*requires a user and a password \(HTTP 407\)/);
  });

  it('refuses settings that cannot be used, without showing a credential', async () => {
    const { exit, err } = await check({ HTTPS_PROXY: 'socks5://user:secret@proxy', EDGE_CA: '/none' });
    expect(exit).toBe(2);
    expect(err).toMatch(
      /^HTTPS_PROXY: "socks5:\/\/\[hidden\]@proxy" is not .*\nEDGE_CA: cannot read the file/,
    );
  });

  it.each([
    ['over a WebSocket', ['cli/main.ts', 'echo', 'hello', '--url', 'wss://localhost'], 'hello'],
    ['over HTTP', ['cli/main.ts', 'admin', 'tenant', 'list', '--edge', 'https://localhost'], 'id'],
  ])('carries the command line %s', async (_, args, expected) => {
    proxy.targets.length = 0;
    const { exit, out, err } = await run(args);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    expect(out).toContain(expected);
    expect(new Set(proxy.targets)).toEqual(new Set(['localhost:443']));
  });

  it('lets doctor show where the way to the edge ends', async () => {
    const { CALL_API_CA: _, ...withoutAuthority } = environment();
    const { exit, out } = await run(['cli/main.ts', 'doctor', '--url', 'wss://localhost'], withoutAuthority);
    expect(exit).toBe(3);
    expect(out).toMatch(/✓ tcp .*\n✓ proxy .*\n✗ tls .*\n.*→ Use --ca/);
    expect(out).toMatch(/✗ edge .*Cannot connect to the edge/);
  });
});
