/** What is made from the commands: docs/cli.md, and completion. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { completionFor, SHELLS } from './completion.ts';
import { EXIT, EXIT_MEANINGS } from './exit.ts';
import { silentProgram } from './program.ts';
import { referenceOf } from './reference.ts';

const program = silentProgram();

it('docs/cli.md is as the commands are; if not: npm run docs:cli', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/cli.md'), 'utf8');
  expect(page).toBe(referenceOf(program));
});

it('the page has every command, every flag and every exit code', () => {
  const page = referenceOf(program);
  for (const command of program.commands) {
    if (command.name() !== 'admin') expect(page).toContain(`### ${command.name()}\n`);
    for (const { flags } of command.options) expect(page).toContain(flags);
  }
  for (const name of Object.keys(EXIT) as (keyof typeof EXIT)[])
    expect(page).toContain(`| ${EXIT[name]} | ${EXIT_MEANINGS[name]} |`);
});

/** What bash offers behind these words. */
function offered(line: string): string[] {
  const words = ['call-api', ...line.split(' ')];
  const script = `${completionFor('bash', program)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length - 1}
_call_api
printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split('\n');
}

it.each([
  ['', ['start', 'end', 'watch', 'doctor', 'admin', '--json', '--direct']],
  ['st', ['start']],
  ['transfer 5c25 --l', ['--leg']],
  ['transfer 5c25 --leg ', ['caller', 'callee']],
  ['--json list --state ', ['ringing', 'answered', 'held']],
  ['completion ', [...SHELLS]],
  ['admin ', ['tenant', 'site', 'key', 'audit']],
  ['admin key ', ['create', 'list', 'rotate', 'revoke']],
  ['admin key create acme --ro', ['--role']],
])('bash completes: %s', (line, words) => {
  expect(offered(line)).toEqual(expect.arrayContaining(words));
});

it('bash offers nothing that does not fit', () => {
  expect(offered('st')).toEqual(['start']);
  expect(offered('admin key create acme --next')).toEqual(['']);
});

it.each(SHELLS)('%s has a script with every command', (shell) => {
  const script = completionFor(shell, program);
  for (const command of program.commands) expect(script).toContain(command.name());
});
