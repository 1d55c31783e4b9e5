/**
 * Writes docs/client.md: what follows here, the snippets of docs/examples/client, and the reference, which is the types
 * that the package is published with. `npm run docs:client`; a test fails where the page is not what this gives.
 * @module
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '..');
const page = join(root, 'docs/client.md');

/** What a program wants to do, and the snippet that does it. */
const TASKS = [
  ['Make a call', 'dial'],
  ['Hold, transfer, end, look up', 'control'],
  ['Watch the calls of the site', 'watch'],
  ['Know why something failed', 'errors'],
  ['Lose interest, or end the call', 'abort'],
  ['Come in with tokens', 'token'],
] as const;

const INTRODUCTION = `# The client

\`call-api-edge-client\`, for browsers and Node 20 or newer: ES modules with types, no dependencies, 6 KB compressed. Build
its tarball and install it where you need it:

    npm run build:client && npm pack ./client        # here
    npm install ./call-api-edge-client-0.1.0.tgz     # in your project

Node has a WebSocket of its own from 22 on. On Node 20, give it that of the package \`ws\`:
\`connect({ url, WebSocket })\` with \`import { WebSocket } from 'ws'\`.

This page is made of the code by \`npm run docs:client\`; the snippets are run by the tests, against the edge and simulated
phones. [protocol.md](protocol.md) says what goes over the wire.
`;

const PROMISES = `## What it promises

- **Order.** What is told of a command, and what is told of calls, comes in order and once, across any number of breaks.
- **Coming back.** A socket that is lost, or that says nothing for 15 s, is replaced: after at most 0.5 s at first, then up to
  30 s, each wait a random share of its bound. The session goes on from the last that it has heard; where the edge has
  forgotten it, what runs is asked for anew.
- **Nothing twice.** A command is asked for under the same \`cmd_id\` until it is answered, for 30 s at most; after that it
  rejects as unknown. What was never sent rejects as not done.
- **Tokens.** With \`getToken\` a fresh token is given on the live socket before the old one expires, and one that is refused
  is replaced. Refused twice in a row, the connection is closed as unauthorized; without \`getToken\`, at once. A page of
  another origin than the edge's cannot ask whether a token was refused: there, only a socket that had opened tells.
- **Bounded memory.** Of a command that is not read 64 events are kept; more than that can only be \`TransferPending\`, of which
  the oldest give way. Of a watch that is not read 1,000 changes are kept; then it stops, and the next thing read is a
  \`reset\` with all calls as they then are. A long snapshot is fetched piece by piece as it is read.
- **Signals.** An \`AbortSignal\` ends your interest and rejects with its reason. It ends no call: \`start.end()\` and
  \`callEnd\` do.
- **No surprises.** A rejected \`ended\` that nobody looks at ends no process.
`;

/** The page. */
export async function clientReference(): Promise<string> {
  const tasks = await Promise.all(
    TASKS.map(async ([title, name]) => `## ${title}\n\n\`\`\`ts\n${await snippet(name)}\`\`\`\n`),
  );
  return [INTRODUCTION, ...tasks, PROMISES, `## Reference\n`, ...(await reference())].join('\n');
}

/** It as readers see it: what it prints, in the words of the page. */
async function snippet(name: string): Promise<string> {
  const text = await readFile(join(root, 'docs/examples/client', `${name}.ts`), 'utf8');
  return text.replace(/^\/\/ → /m, '\n// It prints:\n// → ');
}

interface Declaration {
  readonly name: string;
  readonly says: string;
  readonly code: string;
  /** It is exported. */
  readonly isSeen: boolean;
}

/** Each name that the package exports, and what those are made of, in the order of the index. */
async function reference(): Promise<string[]> {
  const types = await emitted();
  const all = types.flatMap(declarations);
  // Of two of the same name it is the one that other files see.
  const inOrder = [...all.filter(({ isSeen }) => !isSeen), ...all.filter(({ isSeen }) => isSeen)];
  const declared = new Map(inOrder.map((each) => [each.name, each]));
  const index = await readFile(join(root, 'client/index.ts'), 'utf8');
  const exported = [...index.matchAll(/\{([^}]*)\}/g)].flatMap(([, names = '']) =>
    names.split(',').map((name) => name.replace('type', '').trim()),
  );
  // A set is gone through to its end, with what is added on the way.
  const shown = new Set(['connect', ...exported].filter((name) => declared.has(name)));
  for (const name of shown)
    for (const word of typesIn(declared.get(name)?.code ?? '')) if (declared.has(word)) shown.add(word);
  return [...shown].flatMap((name) => {
    const it = declared.get(name);
    if (!it) return [];
    return [`### ${name}\n\n${it.says === '' ? '' : `${it.says}\n\n`}\`\`\`ts\n${it.code}\n\`\`\`\n`];
  });
}

/** What stands in comments and in quotes is none. */
function typesIn(code: string): string[] {
  return code.replaceAll(/\/\*.*?\*\/|'[^']*'/gs, '').match(/\b[A-Z]\w+/g) ?? [];
}

/** The types of the package, file by file. */
async function emitted(): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'call-api-types-'));
  await run(join(root, 'node_modules/.bin/tsc'), ['-p', join(root, 'client'), '--outDir', folder]);
  const files = (await readdir(folder)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  await rm(folder, { recursive: true });
  return texts;
}

/** What a docstring points at. */
const LINK = /\{@link ([\w.]+)\}/g;

/** A docstring, where there is one, and what it is of. */
const DECLARATIONS = [
  // Up to the brace at the left margin.
  /(?:^\/\*\*((?:(?!\*\/).)*)\*\/\n)?^((?:export )?(?:declare )?(?:interface|class) (\w+).*?^\})$/gms,
  // Up to the semicolon that ends a line which begins at the left margin.
  /(?:^\/\*\*((?:(?!\*\/).)*)\*\/\n)?^((?:export )?(?:declare )?(?:type|const|function) (\w+)(?:[^\n]*;|.*?^\S[^\n]*;))$/gms,
];

/** What a file declares. */
function declarations(types: string): Declaration[] {
  const found = DECLARATIONS.flatMap((form) => [...types.matchAll(form)]);
  return found.map(([, says = '', code = '', name = '']) => ({
    name,
    isSeen: code.startsWith('export'),
    says: says
      .replaceAll(/^ ?\*? ?/gm, '')
      .replaceAll(LINK, '`$1`')
      .replaceAll(/^@(\w+) (\w+)/gm, '\n*$1* `$2`')
      .trim(),
    code: code
      .replaceAll(/^(export )?(declare )?/gm, '')
      .replaceAll(LINK, '$1')
      .replaceAll(/^( {4})+/gm, (indent) => ' '.repeat(indent.length / 2)),
  }));
}

if (import.meta.main) await writeFile(page, await clientReference());
