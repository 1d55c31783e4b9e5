/** A plugin of Vite that adds the notices of the bundled packages to the built files. @module */
import type { Plugin } from 'vite';
import { NOTICES_FILE, renderNotices } from './notices.ts';

/** @param bundle the name of the bundle in the text */
export function thirdPartyNotices(bundle: string): Plugin {
  return {
    name: 'third-party-notices',
    apply: 'build',
    async generateBundle(_, output) {
      const modules = Object.values(output).flatMap((file) =>
        file.type === 'chunk' ? Object.keys(file.modules) : [],
      );
      this.emitFile({ type: 'asset', fileName: NOTICES_FILE, source: await renderNotices(bundle, modules) });
    },
  };
}
