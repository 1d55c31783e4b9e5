/** Writes docs/cli.md: `npm run docs:cli`. @module */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProgram } from './program.ts';
import { referenceOf } from './reference.ts';

const nowhere = { write: () => true };
const program = createProgram({
  env: {},
  out: nowhere,
  err: nowhere,
  interrupt: new AbortController().signal,
  exit: () => {},
});
writeFileSync(join(import.meta.dirname, '../docs/cli.md'), referenceOf(program));
