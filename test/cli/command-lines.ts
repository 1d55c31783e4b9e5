/** A valid command line for each command of `call-api`, so that a test about all commands does not miss a new one. @module */
import { leavesOf, termOf } from '../../cli/commands/usage.ts';
import { createSilentProgram } from '../../cli/program.ts';

/** A valid value for each argument by its name; `a` for all others. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  caller: 'sip:alice@example.com',
  callee: 'sip:bob@example.com',
  destination: 'sip:carol@example.com',
  method: 'Echo',
  params: '{}',
  shell: 'bash',
  URL: 'https://hooks.example.com',
  N: '7',
};

/** Options without which a command does nothing. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  'admin tenant set': ['--deny', '*@*'],
  'admin site set': ['--deny', '*@*'],
  'admin administrator create': ['--role', 'read'],
  'manage set': ['--deny', '*@*'],
  'manage webhook set': ['--disable'],
  'admin webhook set': ['--disable'],
};

/** The command lines, with the name of each command. */
export const COMMAND_LINES: readonly (readonly [name: string, args: readonly string[]])[] = (() => {
  const program = createSilentProgram();
  return leavesOf(program).map((command) => {
    const path = termOf(command, program)
      .split(' ')
      .filter((word) => !/[<[]/.test(word));
    const values = command.registeredArguments.map((argument) => ARGUMENTS[argument.name()] ?? 'a');
    const name = path.join(' ');
    return [name, [...path, ...values, ...(OPTIONS[name] ?? [])]];
  });
})();

/** Those that need neither an edge nor OpenSIPS. */
export const LOCAL_COMMANDS: readonly string[] = ['completion'];
/** Those that need an edge. */
export const isEdgeOnly = (name: string): boolean => name === 'token' || /^(?:admin|manage) /.test(name);
