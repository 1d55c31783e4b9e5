/** docs/cli.md and the completion scripts, which are rendered from the commands. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Setting } from '../../shared/settings/settings.ts';
import { leavesOf } from '../commands/usage.ts';
import { EXIT, EXIT_MEANINGS } from '../exit.ts';
import { createSilentProgram } from '../program.ts';
import { ADMIN_SETTINGS, SETTINGS } from '../settings/definitions.ts';
import { renderCompletion, SHELLS } from './completion.ts';
import { renderPage } from './page.ts';

const program = createSilentProgram();

it('docs/cli.md is up to date; if not: npm run docs:cli', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/cli.md'), 'utf8');
  expect(page).toBe(renderPage(program));
});

it('the page has every command, every flag, every setting and every exit code', () => {
  const page = renderPage(program);
  for (const command of program.commands) {
    if (command.name() !== 'admin') expect(page).toContain(`### ${command.name()}\n`);
    for (const { flags } of [command, ...leavesOf(command)].flatMap(({ options }) => options))
      expect(page).toContain(flags);
  }
  for (const { env } of [...Object.values<Setting>(SETTINGS), ...Object.values<Setting>(ADMIN_SETTINGS)])
    if (env) expect(page).toContain(`\`${env}\``);
  for (const name of Object.keys(EXIT) as (keyof typeof EXIT)[])
    expect(page).toContain(`| ${EXIT[name]} | ${EXIT_MEANINGS[name]} |`);
});

/** Returns what bash offers after these words. */
function completionsOf(line: string): string[] {
  const words = ['call-api', ...line.split(' ')];
  const script = `${renderCompletion('bash', program)}
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
  ['admin tenant create acme --ed', ['--edge']],
  [
    'admin tenant set acme --clear ',
    ['allow', 'deny', 'origin', 'address', 'own-scope', 'own-webhook-host', 'own-origin'],
  ],
])('bash completes: %s', (line, words) => {
  expect(completionsOf(line)).toEqual(expect.arrayContaining(words));
});

it('bash offers only what fits', () => {
  expect(completionsOf('st')).toEqual(['start']);
  expect(completionsOf('admin key create acme --next')).toEqual(['']);
  expect(completionsOf('admin webhook deliveries acme berlin w1 --state ')).not.toContain('ringing');
});

it.each(SHELLS)('%s has a script with every command', (shell) => {
  const script = renderCompletion(shell, program);
  for (const command of program.commands) expect(script).toContain(command.name());
});
