/** The commands in the documentation work as they are printed. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startStack } from '../harness/stack.ts';
import { documentedCommands, scriptFor } from './documented-commands.ts';

const root = resolve(import.meta.dirname, '../..');

/** Pages whose commands need nothing but `npm start`. */
const PAGES = ['README.md', 'docs/getting-started/application-developer.md', 'docs/protocol.md'];

it.each(PAGES)('runs every command of %s that reaches the local edge', async (page) => {
  const commands = documentedCommands(readFileSync(join(root, page), 'utf8'));
  expect(commands.length).toBeGreaterThan(5);
  await using stack = await startStack();
  const folder = await mkdtemp(join(tmpdir(), 'documented-commands-'));
  try {
    for (const name of ['cli', 'shared', 'client', 'adapter', 'package.json'])
      await symlink(join(root, name), join(folder, name));
    const { stdout, stderr } = await promisify(execFile)('bash', ['-c', scriptFor(commands, stack.port)], {
      cwd: folder,
      env: {
        PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}`,
        HOME: folder,
        CALL_API: `ws://localhost:${stack.port}/call-api`,
      },
    });
    const failed = stderr.split('\n').filter((line) => /^exit [1-9]/.test(line) && !isMeantToFail(line));
    expect(failed, stdout).toEqual([]);
    expect(stderr.split('\n').filter((line) => line.startsWith('exit ')).length).toBeGreaterThan(5);
    expect(stdout).not.toMatch(/"status":5\d\d/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('extracts fenced and indented commands in order, and leaves out those with placeholders', () => {
  const page = [
    '    curl localhost:5059/a \\',
    '      -d 1',
    '',
    '```sh',
    'npm run call -- CallEnd \'{"callid":"5c2572635a67bd58"}\'',
    'curl http://localhost:5059/v1/me -H "Authorization: Bearer $TOKEN"',
    'rm -rf /',
    '```',
    '',
  ].join('\n');
  expect(documentedCommands(page)).toEqual([
    'curl localhost:5059/a -d 1',
    'npm run call -- CallEnd \'{"callid":"5c2572635a67bd58"}\'',
  ]);
});

/** The pages show failures too: a busy phone, and a doctor that cannot reach a phone. */
function isMeantToFail(line: string): boolean {
  return /busy|doctor/.test(line);
}
