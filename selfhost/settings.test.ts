import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { faultOf, WRONG_VALUES } from '../shared/testing/wrong-values.ts';
import { readSettings } from './settings.ts';

const read = (
  argv: readonly string[],
  env: Record<string, string> = {},
  files: Record<string, string> = {},
) =>
  readSettings(argv, env, (path) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('open'), { code: 'ENOENT' });
    return text;
  });

it('default to the simulator and the open tenant', () => {
  expect(read([])).toMatchObject({
    values: { opensips: undefined, port: 5059, tenants: false, dial: false, 'webhooks-to-private': false },
  });
});

it('are read from flags before the environment, and from there before the file', () => {
  const files = { 'c.json': '{"port":1,"data":"file","tenants":true}' };
  const env = { SELFHOST_PORT: '2', SELFHOST_DATA: 'variable', SELFHOST_CONFIG: 'c.json' };
  expect(read(['--port', '3'], env, files)).toMatchObject({
    values: { port: 3, data: 'variable', tenants: true },
  });
  expect(read(['--tenants=no'], env, files)).toMatchObject({ values: { port: 2, tenants: false } });
});

it.each([
  ['[::1]:8080', { host: '::1', port: 8080 }],
  ['open_sips:8080', { host: 'open_sips', port: 8080 }],
])('take OpenSIPS at %s', (flag, opensips) => {
  expect(read(['--opensips', flag])).toMatchObject({ values: { opensips } });
});

it('listen elsewhere than on loopback with tenants only', () => {
  expect(read(['--host', '0.0.0.0', '--tenants'])).toMatchObject({ values: { host: '0.0.0.0' } });
  expect(read(['--host', '0.0.0.0'])).toEqual({
    errors: ['--host: needs --tenants, because the open tenant has no keys.'],
  });
  expect(read(['--host', 'example.com', '--tenants'])).toEqual({
    errors: ['--host: "example.com" is not an IP address. Use one such as 192.0.2.1 or 2001:db8::1.'],
  });
});

it('take the addresses of proxies', () => {
  expect(read(['--trusted-proxy', '10.0.0.0/8, ::1'])).toMatchObject({
    values: { 'trusted-proxy': ['10.0.0.0/8', '::1'] },
  });
  expect(read(['--trusted-proxy', '10.0.0.0/99'])).toEqual({
    errors: [
      '--trusted-proxy: "10.0.0.0/99" is not a list of IP addresses or networks. Write it like 192.0.2.1,10.0.0.0/8.',
    ],
  });
});

it('report every mistake at once', () => {
  expect(read(['--port', '70000', '--opensips', 'here'])).toEqual({
    errors: [
      '--opensips: "here" is not HOST:PORT. Use a port from 1 to 65535, such as 127.0.0.1:8080.',
      '--port: "70000" is not a whole number from 1 to 65535. Use a number in this range.',
    ],
  });
});

it.each([
  [['--tenants', '--opensips', 'a:1'], '--opensips: has no effect with --tenants. Give it to the adapter'],
  [['--tenants', '--sip-next-hop', 'sip:a'], '--sip-next-hop: has no effect with --tenants.'],
  [['--webhooks-to-private'], '--webhooks-to-private: needs --tenants'],
])('reject %j', (argv, error) => expect(read(argv)).toEqual({ errors: [expect.stringContaining(error)] }));

it('explain every wrong value in sentences of their own, wherever it is', () => {
  const reading = read(['--help']);
  const help = 'help' in reading ? reading.help : '';
  const flags = [...help.matchAll(/--([\w-]+) /g)].map(([, name = '']) => name);
  const variables = [...help.matchAll(/\(([A-Z_]+)\)/g)].map(([, name = '']) => name);
  expect(flags.length).toBeGreaterThan(5);
  for (const value of WRONG_VALUES) {
    const readings = [
      ...flags.map((name) => read([`--${name}=${value}`])),
      ...variables.map((name) => read([], { [name]: value })),
      ...flags.map((name) => read(['--config', 'c'], {}, { c: JSON.stringify({ [name]: value }) })),
      read([value]),
    ];
    for (const error of readings.flatMap((each) => ('errors' in each ? each.errors : [])))
      expect(faultOf(error, value), error).toBeUndefined();
  }
});

it('npm start exits with 2 and one sentence at an unknown flag', async () => {
  const start = promisify(execFile)(process.execPath, [join(import.meta.dirname, 'start.ts'), '--bogus']);
  await expect(start).rejects.toMatchObject({
    code: 2,
    stdout: '',
    stderr: 'Unknown argument "--bogus". Use --help to list the flags.\n',
  });
});
