import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
import { buildConsole } from './selfhost/console.ts';
import { compatibilityDate } from './selfhost/workerd.ts';

// The Worker serves it, so it is there before any test runs.
await buildConsole();

/** A room whose tests run in Node. */
const inNode = (name: string) => ({ test: { name, include: [`${name}/**/*.test.ts`], environment: 'node' } });

/** The client's tests, with a server of their own that they are told the host of. */
const clientIn = (name: string, which: { readonly include: string[]; readonly exclude?: string[] }) => ({
  test: { name, ...which, globalSetup: './client/testing/setup.ts', testTimeout: 60_000 },
});

export default defineConfig({
  test: {
    projects: [
      inNode('shared'),
      inNode('simulator'),
      inNode('adapter'),
      inNode('cli'),
      clientIn('client', { include: ['client/**/*.test.ts'], exclude: ['client/suite-chromium.test.ts'] }),
      {
        plugins: [cloudflareTest({ miniflare: { compatibilityDate: compatibilityDate() } })],
        ...clientIn('client-workerd', { include: ['client/suite.test.ts'] }),
      },
      clientIn('client-chromium', { include: ['client/suite-chromium.test.ts'] }),
      inNode('bench'),
      {
        plugins: [
          cloudflareTest({
            main: './worker/local.ts',
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: {
                ADAPTER_KEY: 'adapter-key-of-the-tests',
                KEY_SECRETS: 'test:key-secret-of-the-tests-0123456789',
                ADMIN_SECRET: 'admin-secret-of-the-tests-0123456789',
              },
            },
          }),
        ],
        test: { name: 'worker', include: ['worker/**/*.test.ts'] },
      },
      {
        test: { name: 'stack', include: ['test/**/*.test.ts'], testTimeout: 60_000, fileParallelism: false },
      },
    ],
  },
});
