/** Writes docs/cli.md: `npm run docs:cli`. @module */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentProgram } from './program.ts';
import { referenceOf } from './reference.ts';

writeFileSync(join(import.meta.dirname, '../docs/cli.md'), referenceOf(silentProgram()));
