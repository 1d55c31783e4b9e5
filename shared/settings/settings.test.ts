import { describe, expect, it } from 'vitest';
import { readCommandLine } from './command-line.ts';
import { type Definitions, readSettings, type Sources } from './settings.ts';
import { Credential, hostPort, Switch, Text, wholeNumber } from './value-types.ts';

const SETTINGS = {
  name: { value: 'name', env: 'NAME', default: 'default', help: 'a name', type: Text },
  count: { value: 'n', env: 'COUNT', help: 'how many', type: wholeNumber(1, 9) },
  at: { value: 'host:port', env: 'AT', help: 'where', type: hostPort() },
  token: { value: 'token', env: 'TOKEN', help: 'a token', type: Credential, isSecret: true },
  'token-file': { value: 'file', env: 'TOKEN_FILE', help: 'its file', type: Text, fileFor: 'token' },
  password: {
    env: 'PASSWORD',
    help: 'a password',
    type: Credential,
    isSecret: true,
    isEnvironmentOnly: true,
  },
  verbose: { env: 'VERBOSE', default: 'no', help: 'more', type: Switch },
  config: { value: 'file', env: 'CONFIG', help: 'the file', type: Text },
} as const satisfies Definitions;

const read = (sources: Partial<Sources>, files: Readonly<Record<string, string>> = {}) =>
  readSettings(SETTINGS, {
    flags: {},
    env: {},
    readFile: (path) => {
      const text = files[path];
      if (text !== undefined) return text;
      throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    },
    ...sources,
  });
const valuesOf = (...given: Parameters<typeof read>) => {
  const reading = read(...given);
  if ('values' in reading) return reading.values;
  throw new Error(reading.errors.join('\n'));
};
const errorsOf = (...given: Parameters<typeof read>) => {
  const reading = read(...given);
  return 'errors' in reading ? reading.errors : [];
};

describe('precedence', () => {
  const files = { 'c.json': '{"name":"file"}' };
  it.each([
    [{ name: 'flag', config: 'c.json' }, { NAME: 'variable' }, 'flag', 'flag', '--name'],
    [{ config: 'c.json' }, { NAME: 'variable' }, 'variable', 'environment', 'NAME'],
    [{ config: 'c.json' }, { NAME: '' }, 'file', 'file', '"name" in c.json'],
    [{}, { CONFIG: 'c.json' }, 'file', 'file', '"name" in c.json'],
    [{}, {}, 'default', 'default', '--name'],
  ])('flags %j and variables %j give %s', (flags, env, value, from, name) => {
    const reading = read({ flags, env }, files);
    expect(reading).toMatchObject({ values: { name: value }, origins: { name: { from, name } } });
  });

  it('is the same for a value that is in a file of its own', () => {
    const both = { 't.txt': 'from-file\n', 'c.json': '{"token":"config"}' };
    const config = 'c.json';
    expect(valuesOf({ flags: { 'token-file': 't.txt' }, env: { TOKEN: 'variable' } }, both).token).toBe(
      'from-file',
    );
    expect(valuesOf({ flags: { token: 'flag' }, env: { TOKEN_FILE: 't.txt' } }, both).token).toBe('flag');
    expect(valuesOf({ env: { TOKEN: 'variable', TOKEN_FILE: 't.txt' } }, both).token).toBe('variable');
    expect(valuesOf({ flags: { config }, env: { TOKEN_FILE: 't.txt' } }, both).token).toBe('from-file');
    expect(valuesOf({ flags: { config } }, both).token).toBe('config');
  });

  it('leaves what is not given and has no default undefined', () => {
    expect(valuesOf({})).toMatchObject({ name: 'default', verbose: false });
    expect(valuesOf({}).count).toBeUndefined();
  });
});

describe('the configuration file', () => {
  it('may have numbers, booleans and arrays of strings', () => {
    const files = { 'c.json': '{"count":3,"verbose":true,"name":["a","b"]}' };
    expect(valuesOf({ flags: { config: 'c.json' } }, files)).toMatchObject({
      count: 3,
      verbose: true,
      name: 'a,b',
    });
  });

  it('may be absent at its default path, but not where it is named', () => {
    expect(valuesOf({ defaultConfigPath: '/none' }).name).toBe('default');
    expect(errorsOf({ flags: { config: '/none' } })).toEqual([
      '--config: cannot read the file "/none": no such file or folder. Check the path.',
    ]);
    expect(errorsOf({ env: { CONFIG: '/none' } })).toEqual([
      'CONFIG: cannot read the file "/none": no such file or folder. Check the path.',
    ]);
  });

  it.each([
    ['{', 'The file "c.json" is not a JSON object. Write it like {"name": "…"}.'],
    ['[]', 'The file "c.json" is not a JSON object. Write it like {"name": "…"}.'],
    [
      '{"color":"red"}',
      '"color" in c.json is not a setting. Use name, count, at, token, token-file or verbose.',
    ],
    [
      '{"password":"x"}',
      '"password" in c.json is not a setting. Use name, count, at, token, token-file or verbose.',
    ],
    [
      '{"name":{}}',
      '"name" in c.json has the wrong type. Use a string, a number, true, false or an array of strings.',
    ],
  ])('%s is rejected', (text, error) => {
    expect(errorsOf({ flags: { config: 'c.json' } }, { 'c.json': text })).toEqual([error]);
  });

  it('may have keys that other parts of the program read', () => {
    const files = { 'c.json': '{"other":"x","name":"file"}' };
    const configKeys = ['name', 'other'];
    expect(valuesOf({ flags: { config: 'c.json' }, configKeys }, files).name).toBe('file');
  });
});

describe('errors', () => {
  it('name the setting, the value and the remedy, all at once', () => {
    expect(errorsOf({ flags: { count: 'many' }, env: { AT: 'here' } })).toEqual([
      '--count: "many" is not a whole number from 1 to 9. Use a number in this range.',
      'AT: "here" is not HOST:PORT. Use a port from 1 to 65535, such as 127.0.0.1:8080.',
    ]);
  });

  it('never contain a credential', () => {
    const files = { 't.txt': 'se cret', 'c.json': '{"token":"se cret' };
    const mistaken = { 'token-file': 'ca.k1.api.acme.0123456789abcdef.secret.0123456789' };
    for (const flags of [{ token: 'se cret' }, { 'token-file': 't.txt' }, { config: 'c.json' }, mistaken]) {
      const errors = errorsOf({ flags }, files);
      expect(errors).toHaveLength(1);
      expect(errors.join()).not.toContain('cret');
    }
  });

  it('cut a long value, and escape control characters', () => {
    const [error = ''] = errorsOf({ flags: { count: `\u009b${'9'.repeat(99)}` } });
    expect(error).toBe(
      `--count: "\\u009b${'9'.repeat(63)}…" is not a whole number from 1 to 9. Use a number in this range.`,
    );
  });

  it('reject an empty text', () => {
    expect(errorsOf({ flags: { name: '' } })).toEqual(['--name: "" is empty. Write a value.']);
  });

  it('say which file of a credential is missing or empty', () => {
    expect(errorsOf({ env: { TOKEN_FILE: '/none' } })).toEqual([
      'TOKEN_FILE: cannot read the file "/none": no such file or folder. Check the path.',
    ]);
    expect(errorsOf({ flags: { 'token-file': 't.txt' } }, { 't.txt': '\n' })).toEqual([
      '--token-file: the file "t.txt" is empty. Write the value into it.',
    ]);
  });
});

describe('a command line of flags', () => {
  const MANUAL = { introduction: 'program [flags]', exitCodes: { 0: 'done', 2: 'wrong usage' } };
  const readArguments = (...argv: string[]) =>
    readCommandLine(SETTINGS, MANUAL, argv, { env: { NAME: 'variable' }, readFile: () => '{}' });

  it('takes values in both spellings, and switches with and without one', () => {
    expect(readArguments('--name', 'a b', '--count=3', '--verbose')).toMatchObject({
      values: { name: 'a b', count: 3, verbose: true },
    });
    expect(readArguments('--verbose=no')).toMatchObject({ values: { verbose: false, name: 'variable' } });
  });

  it.each([
    [['--bogus', 'x'], 'Unknown argument "--bogus". Use --help to list the flags.'],
    [['--bogus=x'], 'Unknown argument "--bogus". Use --help to list the flags.'],
    [['--constructor'], 'Unknown argument "--constructor". Use --help to list the flags.'],
    [['--password', 'x'], 'Unknown argument "--password". Use --help to list the flags.'],
    [['word'], 'Unknown argument "word". Use --help to list the flags.'],
    [['-x'], 'Unknown argument "-x". Use --help to list the flags.'],
    [['--name'], '--name has no value. Write --name NAME.'],
    [['--name', '--verbose'], '--name has no value. Write --name NAME.'],
  ])('rejects %j', (argv, error) => expect(readArguments(...argv)).toEqual({ errors: [error] }));

  it.each([['--help'], ['-h']])('has a help at %s that lists every flag, variable and default', (flag) => {
    const reading = readArguments('--name', 'x', flag);
    const help = 'help' in reading ? reading.help : '';
    for (const text of [
      'program [flags]',
      '--name NAME   (NAME)',
      'Default: default.',
      'Default: none.',
      '2  wrong usage',
      '--verbose   (VERBOSE)',
    ])
      expect(help).toContain(text);
    expect(help).not.toContain('password');
  });
});
