/** Lists every name that the project declares: symbols by the compiler, files, and SQL tables and columns. @module */
import { execFileSync } from 'node:child_process';
import { join, relative, resolve } from 'node:path';
import type { Node, SourceFile } from 'typescript/unstable/ast';
import { SyntaxKind } from 'typescript/unstable/ast';
import { API } from 'typescript/unstable/sync';

const root = resolve(import.meta.dirname, '../..');

/** The compiler's projects, which together contain every source file. */
const PROJECTS = [
  'tsconfig.json',
  'shared/tsconfig.json',
  'worker/tsconfig.json',
  'client/console/tsconfig.json',
];

/** Names the words that it lists. */
const TERMS = join(import.meta.dirname, 'terms.ts');

/** A name, and where it is declared. */
export interface DeclaredName {
  readonly name: string;
  readonly kind: 'symbol' | 'function' | 'file' | 'table' | 'column';
  /** `file:line`, from the project's root. */
  readonly place: string;
}

/** Node kinds that declare the symbol that they name. */
const DECLARATIONS = new Set([
  SyntaxKind.ClassDeclaration,
  SyntaxKind.InterfaceDeclaration,
  SyntaxKind.TypeAliasDeclaration,
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.VariableDeclaration,
  SyntaxKind.Parameter,
  SyntaxKind.BindingElement,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.MethodSignature,
  SyntaxKind.PropertyDeclaration,
  SyntaxKind.PropertySignature,
  SyntaxKind.PropertyAssignment,
  SyntaxKind.GetAccessor,
  SyntaxKind.SetAccessor,
  SyntaxKind.EnumDeclaration,
  SyntaxKind.EnumMember,
]);

const FUNCTIONS = new Set([
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.MethodSignature,
  SyntaxKind.GetAccessor,
]);

/** Returns all declared names. */
export function declaredNames(): DeclaredName[] {
  const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
    .trim()
    .split('\n');
  const ofFiles = tracked.map((path) => ({ name: path, kind: 'file', place: path }) as const);
  const own = new Set(tracked.map((path) => join(root, path)));
  const read = new Set<string>();
  const found: DeclaredName[] = [...ofFiles];
  const api = new API({ cwd: root });
  try {
    const snapshot = api.updateSnapshot({ openProjects: PROJECTS.map((path) => join(root, path)) });
    for (const { program } of snapshot.getProjects())
      for (const path of program.getSourceFileNames()) {
        if (!own.has(path) || read.has(path) || path === TERMS) continue;
        read.add(path);
        const source = program.getSourceFile(path);
        if (source) found.push(...namesIn(source, relative(root, path)));
      }
  } finally {
    api.close();
  }
  return found;
}

function namesIn(source: SourceFile, path: string): DeclaredName[] {
  const found: DeclaredName[] = [];
  const { text } = source;
  const placeOf = (node: Node) => `${path}:${text.slice(0, node.getStart(source)).split('\n').length}`;
  const visit = (node: Node): void => {
    if (DECLARATIONS.has(node.kind) && 'name' in node) {
      const { name } = node as { readonly name?: { readonly text?: string } };
      // A key in quotes is data.
      if (name?.text !== undefined && /^#?[\w$]+$/.test(name.text))
        found.push({
          name: name.text.replace(/^#/, ''),
          kind: FUNCTIONS.has(node.kind) ? 'function' : 'symbol',
          place: placeOf(node),
        });
    }
    if ('text' in node && typeof node.text === 'string' && node.kind !== SyntaxKind.SourceFile)
      found.push(...sqlNames(node.text).map((each) => ({ ...each, place: placeOf(node) })));
    node.forEachChild(visit);
  };
  source.forEachChild(visit);
  return found;
}

/** The tables that SQL text creates, and their columns. */
function sqlNames(text: string): Omit<DeclaredName, 'place'>[] {
  return [...text.matchAll(/CREATE TABLE (?:IF NOT EXISTS )?(\w+)[^(]*\(([^;]*)\)/g)].flatMap(
    ([, table = '', body = '']) => [
      { name: table, kind: 'table' } as const,
      ...body
        .split(',')
        .map((column) => /^\s*([a-z_]+) /.exec(column)?.[1])
        .filter((column) => column !== undefined)
        .map((column) => ({ name: column, kind: 'column' }) as const),
    ],
  );
}
