/** The parts of an adapter key, and how the adapter proves that it has the key without sending it. Pure. @module */
import { createHash, createHmac } from 'node:crypto';
import { DEMO_KEY_ID, proofMessage } from '../../shared/protocol/dial.ts';

export interface AdapterKey {
  readonly id: string;
  readonly tenant: string;
  readonly secret: string;
}

/** `ca.<kid>.adapter.<tenant>.<id>.<secret>.<mac>` */
const ADAPTER_KEY = /^ca\.[^.]+\.adapter\.([^.]+)\.([^.]+)\.([^.]+)\.[^.]+$/;

/** Returns the parts of a key; undefined for a key of clients, or one that is damaged. Any other text is a key of the `demo` tenant. */
export function parseAdapterKey(text: string): AdapterKey | undefined {
  if (!text.startsWith('ca.')) return { id: DEMO_KEY_ID, tenant: 'demo', secret: text };
  const [, tenant, id, secret] = ADAPTER_KEY.exec(text) ?? [];
  return tenant === undefined || id === undefined || secret === undefined
    ? undefined
    : { id, tenant, secret };
}

/** Returns the proof for one attempt of the edge to dial. The edge has only the hash of the secret, so that is the key of the HMAC. */
export function proofOf({ id, secret }: AdapterKey, audience: string, nonce: string): string {
  const hash = createHash('sha256').update(secret).digest('hex');
  const mac = createHmac('sha256', hash).update(proofMessage(audience, nonce)).digest('base64url');
  return `${id}.${mac}`;
}
