/** Imports inside `worker/` go down the layers, and never in a cycle. */
import { expect, it } from 'vitest';
import { checkLayers, LAYERS } from './layers.ts';

const layers = ['index.ts', 'http/admin', 'http', 'store'];
const check = (sources: Record<string, string>) => checkLayers(sources, layers);

it('accepts imports from the same layer, from lower layers and of packages', () => {
  expect(
    check({
      'index.ts': "import { api } from './http/api.ts';\nimport { version } from '../package.json';\n",
      'http/api.ts': "import { read } from '../store/store.ts';\nimport { page } from './page.ts';\n",
      'http/page.ts': "import { Hono } from 'hono';\nimport { code } from '../../shared/code.ts';\n",
      'http/admin/routes.ts': "import { page } from '../page.ts';\n",
      'store/store.ts': '',
    }),
  ).toEqual([]);
});

it.each([
  ['import', "import { api } from '../http/api.ts';"],
  ['import over several lines', "import {\n  api,\n  type Api,\n} from '../http/api.ts';"],
  ['type import', "import type { Api } from '../http/api.ts';"],
  ['import for side effects', "import '../http/api.ts';"],
  ['export', "export * from '../http/api.ts';"],
  ['named export', "export { api } from '../http/api.ts';"],
  ['dynamic import', "const { api } = await import('../http/api.ts');"],
  ['inline type', "let api: import('../http/api.ts').Api;"],
])('reports an upward %s with both files', (_, statement) => {
  const [problem, ...others] = check({ 'store/store.ts': statement, 'http/api.ts': '' });
  expect(problem).toBe(
    'worker/store/store.ts imports worker/http/api.ts from the higher layer http: move what both need to a lower layer, or pass it as a parameter',
  );
  expect(others).toEqual([]);
});

it('ignores imports in comments', () => {
  const example = "/**\n * import { api } from '../http/api.ts';\n */\n// export * from '../http/api.ts';\n";
  expect(check({ 'store/store.ts': example, 'http/api.ts': '' })).toEqual([]);
});

it('reports a cycle of files with all of them', () => {
  const problems = check({
    'store/a.ts': "import './b.ts';",
    'store/b.ts': "import './c.ts';",
    'store/c.ts': "import './b.ts';",
  });
  expect(problems).toEqual([
    'worker/store/b.ts → worker/store/c.ts → worker/store/b.ts is a cycle of imports: move what these files share to a file of its own',
  ]);
});

it('reports a cycle of folders as an upward import', () => {
  const problems = check({
    'http/a.ts': "import '../store/b.ts';",
    'store/b.ts': '',
    'store/c.ts': "import '../http/d.ts';",
    'http/d.ts': '',
  });
  expect(problems).toEqual([expect.stringContaining('worker/store/c.ts imports worker/http/d.ts')]);
});

it('reports a folder without a layer, and where to add it', () => {
  const problems = check({ 'billing/invoice.ts': '', 'billing/sub/tax.ts': '' });
  expect(problems).toEqual([
    expect.stringMatching(/^worker\/billing\/invoice\.ts .*add billing to LAYERS/),
    expect.stringMatching(/^worker\/billing\/sub\/tax\.ts .*add billing\/sub to LAYERS/),
  ]);
});

it('lets tests import anything, but not the other way round', () => {
  const testCode = {
    'store/store.test.ts': "import '../http/api.ts';",
    'testing/client.ts': "import '../index.ts';",
    'http/api.ts': '',
  };
  expect(check(testCode)).toEqual([]);
  expect(check({ ...testCode, 'store/store.ts': "import '../testing/client.ts';" })).toEqual([
    'worker/store/store.ts imports the test code worker/testing/client.ts: move what both need out of it',
  ]);
});

it('lists each layer once', () => expect(new Set(LAYERS).size).toBe(LAYERS.length));
