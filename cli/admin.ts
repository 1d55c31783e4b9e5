/** Entry point of `npm run admin`, which is `call-api admin`. @module */
import { runProcess } from './process.ts';

await runProcess(['admin', ...process.argv.slice(2)]);
