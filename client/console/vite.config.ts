import { defineConfig } from 'vite';
import { thirdPartyNotices } from '../../build/vite-notices.ts';

/** The search of the reference pages. Their HTML is rendered by the Worker, so its name has no hash. */
const SEARCH = 'docs/search';

export default defineConfig({
  root: import.meta.dirname,
  // The Worker serves the console at the root of its host, from `env.ASSETS`.
  base: '/',
  plugins: [thirdPartyNotices('The console')],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../../dist/console',
    emptyOutDir: true,
    // The first versions with light-dark() and CSS nesting.
    target: ['chrome123', 'firefox120', 'safari17.5'],
    // The page is small, and the content security policy allows no `data:` URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: 'index.html', [SEARCH]: 'src/reference/search.ts' },
      output: {
        entryFileNames: ({ name }) => (name === SEARCH ? '[name].js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  server: {
    // `npm run dev:console` reloads the page on changes, and needs an edge at the default port.
    proxy: {
      '/call-api': { target: 'ws://127.0.0.1:5059', ws: true },
      '/v1': 'http://127.0.0.1:5059',
      '/healthz': 'http://127.0.0.1:5059',
    },
  },
});
