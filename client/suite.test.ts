/** The client in the runtime that runs this: Node, and workerd. Chromium: `suite-chromium.test.ts`. */
import { describe, inject, it } from 'vitest';
import { suite } from './testing/suite/index.ts';

describe.each(Object.entries(suite))('%s', (_, promises) => {
  it.each(promises)('$name', ({ show }) => show(inject('host')));
});
