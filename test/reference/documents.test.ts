/** Each document is what its format says, by the validator of its format's makers. */
import { describe, expect, it } from 'vitest';
import { asyncApi } from '../../shared/reference/asyncapi.ts';
import { openRpc } from '../../shared/reference/openrpc.ts';
import { judges, referencesOf, resolve } from './validators.ts';

describe.each([
  ['/openrpc.json', openRpc('1.0.0'), 'methods'],
  ['/asyncapi.json', asyncApi('1.0.0'), 'channels'],
] as const)('%s', (path, document, needed) => {
  it('passes its own validator, which refuses one that lacks what it needs', async () => {
    expect(await judges[path](document)).toEqual([]);
    const { [needed as keyof typeof document]: _, ...lacking } = document;
    expect(await judges[path]({ ...lacking, [needed]: 'none' })).not.toEqual([]);
  });

  it('refers to nothing that it does not have', () => {
    const references = new Set(referencesOf(document));
    expect(references.size).toBeGreaterThan(0);
    for (const each of references) expect(resolve(document, each), each).toBeDefined();
  });
});
