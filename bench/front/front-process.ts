/**
 * A front in a process of its own, as `npm start` has it. Writes its port to stdout.
 *
 *     node bench/front/front-process.ts SOCKET
 *
 * @module
 */
import { connectionLimits, descriptorLimit } from '../../selfhost/front/descriptors.ts';
import { startFront } from '../../selfhost/front/front.ts';

const [socketPath = ''] = process.argv.slice(2);
const limits = connectionLimits(descriptorLimit());
const { port } = await startFront({ port: 0, hosts: ['127.0.0.1'], socketPath, limits });
process.stdout.write(`${port}\n`);
