/**
 * The adapter as one that does not know some features of the link: it neither offers them nor uses those of the edge. The source of
 * the negotiation is loaded with other names for them, which no edge knows.
 * @module
 */
import { registerHooks } from 'node:module';

/** Features that came after 0.2.0, and change which messages there are. */
const UNKNOWN_FEATURES = ['list', 'interest'];

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith('/shared/protocol/link-negotiation.ts')) return loaded;
    let source = String(loaded.source);
    for (const feature of UNKNOWN_FEATURES) {
      const renamed = source.replace(`'${feature}'`, `'unknown-${feature}'`);
      if (renamed === source) throw new Error(`${url} has no feature '${feature}'.`);
      source = renamed;
    }
    return { ...loaded, source };
  },
});

await import('../../../adapter/main.ts');
