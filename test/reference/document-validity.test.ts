/** The OpenRPC and AsyncAPI documents are valid by their formats' own validators. */
import { describe, expect, it } from 'vitest';
import { createAsyncApi } from '../../shared/reference/asyncapi.ts';
import { createOpenRpc } from '../../shared/reference/openrpc.ts';
import { documentValidators, referencesIn, resolveReference } from './validators.ts';

describe.each([
  ['/openrpc.json', createOpenRpc('1.0.0'), 'methods'],
  ['/asyncapi.json', createAsyncApi('1.0.0'), 'channels'],
] as const)('%s', (path, document, requiredMember) => {
  it('is valid, by a validator that rejects a document without a required member', async () => {
    expect(await documentValidators[path](document)).toEqual([]);
    const { [requiredMember as keyof typeof document]: _, ...incomplete } = document;
    expect(await documentValidators[path]({ ...incomplete, [requiredMember]: 'none' })).not.toEqual([]);
  });

  it('contains everything that it refers to', () => {
    const references = new Set(referencesIn(document));
    expect(references.size).toBeGreaterThan(0);
    for (const reference of references)
      expect(resolveReference(document, reference), reference).toBeDefined();
  });
});
