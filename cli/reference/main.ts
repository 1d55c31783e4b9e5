/** Writes docs/cli.md: `npm run docs:cli`. @module */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSilentProgram } from '../program.ts';
import { renderPage } from './page.ts';

writeFileSync(join(import.meta.dirname, '../../docs/cli.md'), renderPage(createSilentProgram()));
