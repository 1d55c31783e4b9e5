import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
import { buildConsole } from './selfhost/console.ts';
import { compatibilityDate } from './selfhost/workerd.ts';

// Wrangler would warn in each test file that the secrets of a deployment are not set here.
process.env['WRANGLER_LOG'] ??= 'error';

// Processes that tests start, such as the command line, keep their compiled modules: a start then takes a third of the time.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/compile');

// The Worker serves the console, so it is built before any test runs.
await buildConsole();

/** No test asserts a time, so a busy machine only makes them slower. */
const TEST_TIMEOUT_MS = 60_000;

/** The default of a second would be such a time. */
const expectation = { poll: { timeout: 20_000 } };

/** A folder whose tests run in Node. */
const inNode = (folder: string, name = folder) => ({
  test: {
    name,
    include: [`${folder}/**/*.test.ts`],
    environment: 'node',
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: TEST_TIMEOUT_MS,
    expect: expectation,
  },
});

/** Tests of the client. The global setup starts their fake server. */
const clientIn = (name: string, which: { readonly include: string[]; readonly exclude?: string[] }) => ({
  test: {
    name,
    ...which,
    globalSetup: './client/testing/global-setup.ts',
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: TEST_TIMEOUT_MS,
    expect: expectation,
  },
});

export default defineConfig({
  test: {
    // Most tests wait for processes and phones most of the time: with one worker a processor, two of five seconds are idle.
    maxWorkers: availableParallelism() + 1,
    projects: [
      inNode('shared'),
      inNode('simulator'),
      inNode('adapter'),
      inNode('cli'),
      inNode('selfhost'),
      clientIn('client', {
        include: ['client/**/*.test.ts'],
        exclude: ['client/testing/suite-chromium.test.ts'],
      }),
      {
        plugins: [cloudflareTest({ miniflare: { compatibilityDate: compatibilityDate() } })],
        ...clientIn('client-workerd', { include: ['client/testing/suite.test.ts'] }),
      },
      clientIn('client-chromium', { include: ['client/testing/suite-chromium.test.ts'] }),
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
        // The tests run in workerd, which has no environment variables.
        define: {
          LINK_HISTORIES: JSON.stringify(process.env['LINK_HISTORIES'] ?? ''),
          LINK_SEED: JSON.stringify(process.env['LINK_SEED'] ?? ''),
        },
        test: {
          name: 'worker',
          // Otherwise Vitest reports each logged line by a request, and waits for all answers at the end of a file. A line
          // that an object logs can only go out with the runner's next message, so it made a file wait forever.
          disableConsoleIntercept: true,
          include: ['worker/**/*.test.ts'],
          exclude: ['worker/**/*.node.test.ts'],
          testTimeout: TEST_TIMEOUT_MS,
          hookTimeout: TEST_TIMEOUT_MS,
          expect: expectation,
        },
      },
      // What needs no platform, and runs thousands of times.
      {
        test: {
          name: 'worker-in-node',
          include: ['worker/**/*.node.test.ts'],
          environment: 'node',
          testTimeout: TEST_TIMEOUT_MS,
          hookTimeout: TEST_TIMEOUT_MS,
          expect: expectation,
        },
      },
      inNode('test', 'stack'),
    ],
  },
});
