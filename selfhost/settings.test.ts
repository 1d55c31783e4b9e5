import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { readSettings } from './settings.ts';

const read = (
  argv: readonly string[],
  env: Record<string, string> = {},
  files: Record<string, string> = {},
) =>
  readSettings(argv, env, (path) => {
    const text = files[path];
    if (text === undefined) throw new Error('ENOENT');
    return text;
  });

it('default to the simulator and the open tenant', () => {
  expect(read([])).toMatchObject({
    values: { opensips: undefined, port: 5059, tenants: false, 'webhooks-to-private': false },
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

it('report every mistake at once', () => {
  expect(read(['--port', '70000', '--opensips', 'here'])).toEqual({
    errors: [
      '--opensips: "here" is not HOST:PORT. Use a port from 1 to 65535, such as 127.0.0.1:8080.',
      '--port: "70000" is not a whole number from 1 to 65535. Use a number in this range.',
    ],
  });
});

it('npm start exits with 2 and one sentence at an unknown flag', async () => {
  const start = promisify(execFile)(process.execPath, [join(import.meta.dirname, 'start.ts'), '--bogus']);
  await expect(start).rejects.toMatchObject({
    code: 2,
    stdout: '',
    stderr: 'Unknown argument: --bogus. --help lists the flags.\n',
  });
});
