import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  // Its own `env.ASSETS` serves it at the root of the host.
  base: '/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../../dist/console',
    emptyOutDir: true,
    // Browsers that have light-dark() and nesting.
    target: ['chrome123', 'firefox120', 'safari17.5'],
    // One file of each kind: it is small, and a data: URL would need a hole in the CSP.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    // `npm run dev:console`: the page with reload, beside an edge at its usual port.
    proxy: {
      '/call-api': { target: 'ws://127.0.0.1:5059', ws: true },
      '/v1': 'http://127.0.0.1:5059',
      '/healthz': 'http://127.0.0.1:5059',
    },
  },
});
