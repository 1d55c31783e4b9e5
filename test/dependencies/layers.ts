/** Checks the imports among the files of `worker/`: they go down a list of layers, and never in a cycle. Pure. @module */
import { posix } from 'node:path';

/**
 * The layers of `worker/`, highest first: the entry points and the routes at its root, then its folders. A file may import
 * from its own layer and from lower ones. The order is total, so there can be no cycle among folders.
 */
export const LAYERS: readonly string[] = [
  'index.ts',
  'local.ts',
  'app.ts',
  'http/manage',
  'http/admin',
  'dialer',
  'http',
  'switchboard',
  'switchboard/rpc',
  'switchboard/replay',
  'switchboard/webhooks',
  'switchboard/calls',
  'switchboard/dialing',
  'switchboard/link',
  'switchboard/sockets',
  'switchboard/store',
  'auth',
  'tenant',
  'webhooks',
  'reference',
  'errors',
  'objects',
];

/** `import … from`, `export … from`, `import '…'` and `import('…')` with a relative path, at the start of a line or inline. */
const IMPORTS = [
  /^\s*(?:import|export)\b[^;'"]*?\bfrom\s*['"](\.[^'"]+)['"]/gm,
  /^\s*import\s*['"](\.[^'"]+)['"]/gm,
  /\bimport\(\s*['"](\.[^'"]+)['"]\s*\)/g,
];

/**
 * Returns a sentence for each problem: an import from a higher layer, an import of test code, a cycle of files, or a file
 * in a folder that has no layer. Tests and the folders `testing/` may import anything.
 * @param sources the text of each TypeScript file, by path below `worker/`
 */
export function checkLayers(
  sources: Readonly<Record<string, string>>,
  layers: readonly string[] = LAYERS,
): string[] {
  const paths = Object.keys(sources).filter((path) => !isTestCode(path));
  const imports = new Map(paths.map((path) => [path, importsOf(path, sources[path] ?? '')]));
  const levelOf = (path: string) => layers.indexOf(layerOf(path));
  return [
    ...paths.filter((path) => levelOf(path) < 0).map(unlistedProblem),
    ...[...imports].flatMap(([path, targets]) =>
      targets.flatMap((target) => {
        if (isTestCode(target)) return [testCodeProblem(path, target)];
        const [level, targetLevel] = [levelOf(path), levelOf(target)];
        return level >= 0 && targetLevel >= 0 && targetLevel < level ? [upwardProblem(path, target)] : [];
      }),
    ),
    ...findCycles(imports).map(cycleProblem),
  ];
}

function isTestCode(path: string): boolean {
  return path.endsWith('.test.ts') || path.split('/').includes('testing');
}

/** Returns the layer of a file: its folder, or the file itself at the root. */
function layerOf(path: string): string {
  const folder = posix.dirname(path);
  return folder === '.' ? path : folder;
}

/** Returns the files below `worker/` that a file imports. */
function importsOf(path: string, source: string): string[] {
  const specifiers = IMPORTS.flatMap((pattern) =>
    [...source.matchAll(pattern)].map(([, specifier = '']) => specifier),
  );
  const targets = specifiers.map((specifier) => posix.join(posix.dirname(path), specifier));
  return [...new Set(targets.filter((target) => !target.startsWith('..')))];
}

/** Returns the cycles that a depth-first search meets, each as the files along it. */
function findCycles(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const finished = new Set<string>();
  const visit = (path: string, ancestors: readonly string[]): void => {
    const start = ancestors.indexOf(path);
    if (start >= 0) cycles.push(ancestors.slice(start));
    if (start >= 0 || finished.has(path)) return;
    for (const target of imports.get(path) ?? []) visit(target, [...ancestors, path]);
    finished.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  return cycles;
}

function unlistedProblem(path: string): string {
  return `worker/${path} belongs to no layer: add ${layerOf(path)} to LAYERS in test/dependencies/layers.ts, above everything that it imports`;
}

function upwardProblem(path: string, target: string): string {
  return `worker/${path} imports worker/${target} from the higher layer ${layerOf(target)}: move what both need to a lower layer, or pass it as a parameter`;
}

function testCodeProblem(path: string, target: string): string {
  return `worker/${path} imports the test code worker/${target}: move what both need out of it`;
}

function cycleProblem(cycle: readonly string[]): string {
  const [first = ''] = cycle;
  const chain = [...cycle, first].map((path) => `worker/${path}`).join(' → ');
  return `${chain} is a cycle of imports: move what these files share to a file of its own`;
}
