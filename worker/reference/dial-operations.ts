/** The routes for adapters that the edge dials, by operation id. @module */
import * as z from 'zod';
import { JWKS_PATH, KNOCK_PATH, Knock, KnockAnswer } from '../../shared/protocol/dial.ts';
import type { Operation } from './operation.ts';

/** A key of the edge (RFC 8037). */
const DialJwk = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string(),
  kid: z.string(),
  use: z.literal('sig'),
  alg: z.literal('EdDSA'),
});

export const dialOperations = {
  knock: {
    method: 'POST',
    path: KNOCK_PATH,
    summary: 'Delivers what an adapter that listens has to tell, and lets the edge dial it',
    tag: 'Sockets',
    credential: 'adapterKey',
    body: Knock,
    status: 200,
    response: KnockAnswer,
    problems: [400, 401, 403, 409, 413, 429, 503],
  },
  keys: {
    method: 'GET',
    path: JWKS_PATH,
    summary: 'The public keys with which an adapter that listens verifies that this edge dials it (RFC 7517)',
    tag: 'Access',
    credential: 'none',
    status: 200,
    response: z.object({ keys: z.array(DialJwk) }),
    problems: [],
  },
} as const satisfies Record<string, Operation>;
