import { describe, expect, it } from 'vitest';
import { readSettings } from '../settings.ts';
import { CertificateAuthority, HAS_OPENSSL } from '../testing/certificates.ts';

const KEY = 'ca.k1.adapter.acme.a1.secret-secret-secret.mac';
const COMPLETE = ['--listen', '0.0.0.0:8443', '--public-url', 'https://sbc.example/adapter', '--key', KEY];

function read(argv: readonly string[], files: Readonly<Record<string, string>> = {}) {
  return readSettings(argv, {}, (path) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('open'), { code: 'ENOENT' });
    return text;
  });
}

/** Returns what the settings say of listening. */
function listenOf(argv: readonly string[], files?: Readonly<Record<string, string>>) {
  const reading = read(argv, files);
  if ('settings' in reading) return reading.settings.listen;
  throw new Error(JSON.stringify(reading));
}

function errorsOf(argv: readonly string[], files?: Readonly<Record<string, string>>): readonly string[] {
  const reading = read(argv, files);
  return 'errors' in reading ? reading.errors : [];
}

it('an adapter does not listen by default', () => {
  expect(listenOf([])).toBeUndefined();
});

it('behind a proxy, an address, a URL and a key are enough', () => {
  expect(listenOf(COMPLETE)).toEqual({
    address: { host: '0.0.0.0', port: 8443 },
    publicUrl: 'https://sbc.example/adapter',
    key: { id: 'a1', tenant: 'acme', secret: 'secret-secret-secret' },
    tls: undefined,
    readTls: expect.any(Function),
  });
});

it('a key without parts is that of the demo tenant', () => {
  const argv = ['--listen', '[::1]:9', '--public-url', 'ws://[::1]:9', '--key', 'local'];
  expect(listenOf(argv)).toMatchObject({
    publicUrl: 'http://[::1]:9/',
    key: { id: 'demo-adapter', tenant: 'demo', secret: 'local' },
  });
});

it.each([
  ['wss://sbc.example', 'https://sbc.example/'],
  ['https://SBC.example:443/a?b=c', 'https://sbc.example/a?b=c'],
  ['https://192.0.2.1:8443', 'https://192.0.2.1:8443/'],
  ['http://localhost:9', 'http://localhost:9/'],
])('--public-url takes %s', (url, publicUrl) => {
  expect(listenOf(['--listen', 'a:1', '--key', KEY, '--public-url', url])).toMatchObject({ publicUrl });
});

it.each([
  ['sbc.example', /not a URL that an edge can dial\. Write it like https:/],
  ['ftp://sbc.example', /not a URL that an edge can dial/],
  ['http://sbc.example', /has no TLS/],
  ['ws://10.0.0.1', /has no TLS/],
  ['https://user:pw@sbc.example', /^--public-url: "https:\/\/\[hidden\]@sbc.example" has a user/],
  ['https://sbc.example/#x', /has a user, a password or a fragment/],
])('--public-url rejects %s', (url, message) => {
  const errors = errorsOf(['--listen', 'a:1', '--key', KEY, '--public-url', url]);
  expect(errors).toEqual([expect.stringMatching(message)]);
});

it('says what is missing', () => {
  expect(errorsOf(['--listen', '127.0.0.1:9'])).toEqual([
    '--listen: needs --public-url. Set it to the URL in the link of the site.',
    '--listen: needs --key (ADAPTER_KEY). The adapter proves with it who it is.',
  ]);
  expect(errorsOf(['--public-url', 'https://a.example', '--client-ca', 'c'])).toEqual([
    '--public-url: has no effect without --listen. Set --listen too.',
    '--client-ca: has no effect without --listen. Set --listen too.',
  ]);
  for (const flag of ['--tls-cert', '--tls-key', '--client-ca'])
    expect(errorsOf([...COMPLETE, flag, 'c'])).toEqual([
      `${flag}: needs --tls-cert and --tls-key. Set both, or leave TLS to a proxy.`,
    ]);
});

it('reads the keys of the edge over TLS, or from this machine', () => {
  expect(errorsOf([...COMPLETE, '--edge', 'ws://edge.example/adapter'])).toEqual([
    '--edge: needs wss:// with --listen. The keys of the edge are read there, and without TLS others can replace them on the way.',
  ]);
  expect(errorsOf([...COMPLETE, '--edge', 'wss://edge.example/adapter'])).toEqual([]);
});

it.each(['ca.k1.api.acme.a1.secret-secret-secret.mac', 'ca.k1.adapter.acme.a1', 'ca.'])(
  'the key %s is no adapter key, and is not printed',
  (key) => {
    expect(errorsOf([...COMPLETE.slice(0, 4), '--key', key])).toEqual([
      '--key: the value is not an adapter key. Create one: key create TENANT --role adapter.',
    ]);
  },
);

describe.skipIf(!HAS_OPENSSL)('TLS (needs openssl)', () => {
  const authority = new CertificateAuthority();
  const { cert, key } = authority.issue('DNS:sbc.example');
  const other = authority.issue('DNS:sbc.example');
  const ca = authority.certificate;
  authority.remove();
  const flags = ['--tls-cert', 'c', '--tls-key', 'k'];

  it('has a certificate with its key, and the authorities of clients', () => {
    expect(listenOf([...COMPLETE, ...flags], { c: cert, k: key })?.tls).toEqual({
      cert,
      key,
      clientCa: undefined,
    });
    const withCa = [...COMPLETE, ...flags, '--client-ca', 'a'];
    expect(listenOf(withCa, { c: cert, k: key, a: `${ca}\n${ca}` })?.tls?.clientCa).toHaveLength(2);
  });

  it.each([
    ['the key of another certificate', { c: cert, k: other.key }],
    ['exchanged files', { c: key, k: cert }],
    ['an empty file', { c: cert, k: '' }],
    ['another text', { c: 'x', k: key }],
  ])('rejects %s', (_, files) => {
    expect(errorsOf([...COMPLETE, ...flags], files)).toEqual([
      '--tls-cert: the files "c" and "k" are not a certificate and its private key. Use PEM files that belong together, the key without a password.',
    ]);
  });

  it('names each file that cannot be read', () => {
    expect(errorsOf([...COMPLETE, ...flags, '--client-ca', 'a'], { a: 'x' })).toEqual([
      '--tls-cert: cannot read the file "c": no such file or folder. Check the path.',
      '--tls-key: cannot read the file "k": no such file or folder. Check the path.',
      expect.stringMatching(/^--client-ca: the file "a" has no certificate in PEM format/),
    ]);
  });
});
