/** What the adapter runs on, as it tells the edge. @module */
import manifest from '../package.json' with { type: 'json' };
import type { Software } from '../shared/protocol/link-negotiation.ts';

export const SOFTWARE: Software = { version: manifest.version, node: process.versions.node };
