/**
 * Runs all libraries against one stack, those of other languages too, and prints what each has shown: `npm run test:clients`. Exits with 1
 * if one has not shown what it should.
 * @module
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack } from '../harness/stack.ts';
import { npmLibraries, otherLibraries, PROMISES } from './libraries.ts';
import { removePrograms, runProgram } from './run-program.ts';

await using stack = await startStack();
const folder = await mkdtemp(join(tmpdir(), 'call-api-clients-'));
const rows = [
  ['library', 'version', ...PROMISES],
  ['---', '---', ...PROMISES.map(() => '---')],
];
for (const library of [...npmLibraries, ...otherLibraries]) {
  let version: string;
  try {
    version = library.version();
  } catch {
    rows.push([library.name, 'not installed', ...PROMISES.map(() => '')]);
    continue;
  }
  const { shown, output } = await runProgram(library, join(folder, library.program), stack.port).catch(
    (error: Error) => ({ shown: [], output: error.message }),
  );
  const cells = PROMISES.map((promise) => {
    if (!library.shows.includes(promise)) return '–';
    return (shown as readonly string[]).includes(promise) ? 'yes' : 'FAILED';
  });
  rows.push([library.name, version, ...cells]);
  if (cells.includes('FAILED')) {
    process.exitCode = 1;
    process.stderr.write(`${library.name}:\n${output}\n`);
  }
}
await removePrograms(folder);
process.stdout.write(`${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}
–: the library does not have it, or does not let its user choose it.
`);
