/** Runs the client's test suite in the current runtime: Node or workerd. For Chromium see `suite-chromium.test.ts`. */
import { describe, inject, it } from 'vitest';
import { suite } from './suite/index.ts';

describe.each(Object.entries(suite))('%s', (_, testCases) => {
  it.each(testCases)('$name', ({ run }) => run(inject('host')));
});
