/**
 * Administers the tenants of an edge: `npm run admin -- COMMAND`; `--help` lists the commands. It is `call-api admin`.
 * @module
 */
import { administer } from './administer.ts';

process.exitCode = await administer(process.argv.slice(2), process.env);
