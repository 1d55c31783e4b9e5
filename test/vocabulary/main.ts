/** Prints the declared names that are not the field's terms: `node test/vocabulary/main.ts`. @module */
import { foreignNames } from './check.ts';
import { declaredNames } from './declared-names.ts';

const declared = declaredNames();
const found = foreignNames(declared);
process.stdout.write(
  `${[...found, `${declared.length} names declared, ${found.length} to rename`].join('\n')}\n`,
);
process.exitCode = found.length > 0 ? 1 : 0;
