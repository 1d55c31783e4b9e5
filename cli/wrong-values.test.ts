/** Every argument, option and setting of every command, with wrong values: each message is a sentence of our own. */
import type { Command } from 'commander';
import { describe, expect, it, vi } from 'vitest';
import type { Definitions } from '../shared/settings/settings.ts';
import { faultOf, foreignText, WRONG_VALUES } from '../shared/testing/wrong-values.ts';
import { leavesOf, termOf } from './commands/usage.ts';
import { EXIT, Failure } from './exit.ts';
import { runProgram } from './process.ts';
import { createSilentProgram } from './program.ts';
import { readAdminSettings } from './settings/admin-settings.ts';
import { ADMIN_SETTINGS, SETTINGS } from './settings/definitions.ts';
import type { Environment, Flags } from './settings/reader.ts';
import { readCallSettings } from './settings/settings.ts';

vi.setConfig({ testTimeout: 60_000 });

/** Nothing listens at this port. */
const ENV = {
  HOME: '/none',
  CALL_API: 'ws://127.0.0.1:2',
  EDGE_URL: 'http://127.0.0.1:2',
  ADMIN_SECRET: 'the-admin-secret',
  CALL_API_TOKEN: 'ca.k1.api.acme.0123.a-secret_part.mac',
};

/** A valid value for each argument by its name; `a` for all others. */
const VALID_ARGUMENTS: Readonly<Record<string, string>> = {
  caller: 'sip:alice@example.com',
  callee: 'sip:bob@example.com',
  destination: 'sip:carol@example.com',
  method: 'Echo',
  params: '{}',
  shell: 'bash',
  URL: 'https://hooks.example.com',
  N: '7',
};

/** Runs a command line with a wrong value, and checks what it prints and its exit code. */
async function check(args: readonly string[], name: string, value: string): Promise<void> {
  let out = '';
  let err = '';
  const exit = await runProgram(args, {
    env: ENV,
    out: { write: (text) => (out += text) },
    err: { write: (text) => (err += text) },
    interrupt: new AbortController().signal,
  });
  const context = `${args.join(' ')}: exit ${exit}\n${out}${err}`;
  expect([EXIT.done, EXIT.usage, EXIT.unreachable], context).toContain(exit);
  expect(foreignText(out, value), context).toBeUndefined();
  if (err !== '') expect(faultOf(err, value), context).toBeUndefined();
  if (exit !== EXIT.usage) return;
  expect(out, context).toBe('');
  // A value that begins with a hyphen is taken for an option.
  if (!value.startsWith('-') && !err.startsWith('Nothing to change')) expect(err, context).toContain(name);
}

async function checkAll(lineWith: (value: string) => readonly string[], name: string): Promise<void> {
  await Promise.all(WRONG_VALUES.map((value) => check(lineWith(value), name, value)));
}

const program = createSilentProgram();
const commands = leavesOf(program).map((command) => [termOf(command, program), command] as const);

describe.each(commands)('call-api %s', (term, command) => {
  const path = term.split(' ').filter((word) => !/[<[]/.test(word));
  const args = command.registeredArguments.map((argument) => VALID_ARGUMENTS[argument.name()] ?? 'a');

  it('explains each wrong argument', async () => {
    for (const [at, argument] of command.registeredArguments.entries())
      for (const value of WRONG_VALUES)
        await check([...path, ...args.with(at, value)], argument.name(), value);
  });

  it('explains each wrong value of an option, and none', async () => {
    for (const flag of ownFlags(command)) {
      await check([...path, ...args, flag], flag, '');
      await checkAll((value) => [...path, ...args, flag, value], flag);
    }
  });

  it('explains missing and unknown arguments and options', async () => {
    await check([...path, ...args, ...args, 'x'], '', '');
    await check([...path, ...args, '--bogus'], '--bogus', '');
    await check([...path, ...args, '--bogus=\u001b[2J'], '--bogus', '');
    if (command.registeredArguments.some(({ required }) => required)) await check(path, 'missing', '');
  });
});

it.each([[[]], [['admin']], [['admin', 'tenant']]])('explains an unknown command after %j', async (path) => {
  await checkAll((value) => [...path, value], '');
});

describe.each<[string, Definitions, (flags: Flags, env: Environment, file: () => string) => object]>([
  ['all commands', SETTINGS, readCallSettings],
  ['admin', ADMIN_SETTINGS, readAdminSettings],
])('the settings of %s', (_, definitions, read) => {
  const messageOf = (...sources: Parameters<typeof read>) => {
    try {
      read(...sources);
      return undefined;
    } catch (error) {
      if (error instanceof Failure && error.exit === EXIT.usage) return error.message;
      throw error;
    }
  };
  const noFile = () => {
    throw Object.assign(new Error('open'), { code: 'ENOENT' });
  };

  it.each(Object.keys(definitions))('explain a wrong %s by where it comes from', (name) => {
    const { env: variable, isEnvironmentOnly } = definitions[name] ?? {};
    for (const value of WRONG_VALUES) {
      const file = () => JSON.stringify({ [name]: value });
      const messages = [
        ...(variable ? [[variable, messageOf({}, { ...ENV, [variable]: value }, noFile)]] : []),
        ...(isEnvironmentOnly ? [] : [[`--${name}`, messageOf({ [name]: value }, ENV, noFile)]]),
        ...(isEnvironmentOnly || name === 'config'
          ? []
          : [[`"${name}" in c.json`, messageOf({ config: 'c.json' }, { ADMIN_SECRET: 'secret' }, file)]]),
      ];
      for (const [origin = '', message] of messages) {
        if (message === undefined) continue;
        expect(faultOf(message, value), message).toBeUndefined();
        expect(message).toContain(origin);
      }
    }
  });
});

/** Returns the options with a value that are the command's own, or those of `admin`. */
function ownFlags({ options }: Command): string[] {
  return options.flatMap(({ long, hidden, required, optional }) =>
    long && !hidden && (required || optional) ? [long] : [],
  );
}
