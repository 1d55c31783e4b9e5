/**
 * `npm run docs:client`: generates docs/client.md from the texts below, the examples in docs/examples/client, and the
 * type declarations of the published package. A test fails if the page is out of date.
 * @module
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import manifest from '../client/package.json' with { type: 'json' };

const execute = promisify(execFile);
const root = resolve(import.meta.dirname, '..');
const pageFile = join(root, 'docs/client.md');

/** Headings, and the example shown below each of them. */
const EXAMPLES = [
  ['Make a call', 'dial'],
  ['Hold, transfer, end and look up a call', 'control'],
  ['Watch the calls of a site', 'watch'],
  ['Handle errors', 'errors'],
  ['Stop waiting, or end the call', 'abort'],
  ['Authenticate with tokens', 'token'],
] as const;

const INTRODUCTION = `# The client

\`call-api-edge-client\` is a client for browsers and Node.js 20 or later: ES modules with types, no dependencies, 7 KB
compressed. Build its tarball and install it in your project:

    npm run build:client && npm pack ./client        # in this repository
    npm install ./call-api-edge-client-${manifest.version}.tgz     # in your project

Node.js has a WebSocket of its own since version 22. With Node.js 20, pass the one of the package \`ws\`:
\`connect({ url, WebSocket })\` with \`import { WebSocket } from 'ws'\`.

\`npm run docs:client\` generates this page from the code. The tests run its examples against the edge and simulated phones.
For the messages on the wire, see [protocol.md](protocol.md).
`;

const GUARANTEES = `## What it guarantees

- **Order.** Events of a command and changes of calls arrive in order and once, even if the connection is lost in between.
- **Reconnecting.** The client replaces a socket that is lost or silent for 15 s. It waits a random time before each attempt:
  up to 0.5 s at first, up to 30 s after several failures. The session resumes after the last event that it has received. If
  the edge no longer stores the session, a new one starts, and the client sends the running commands again.
- **Nothing runs twice.** A command is sent again under the same \`cmd_id\` until the edge responds, for 30 s at most, also if
  a rate limit refuses it. After that it rejects with \`errorCode.unknown\`. A command that was never sent rejects with
  \`errorCode.timedOut\`.
- **Everything settles.** Without a response, a command or a request rejects after 30 s by a timer of its own, whether or not
  there is a connection. A command that has started continues while the connection is lost, and rejects with
  \`errorCode.unknown\` after an hour without one, because the edge stores its events no longer.
- **Whole lists.** A snapshot is complete with its first part or page that has no \`hasMore\`. If the connection is lost in
  between, the missing pages follow on the next one. If a page is refused, the watch rejects. A watch or a query that a rate
  limit refuses is sent again, at growing intervals of at most two minutes; a query rejects with \`errorCode.tooMany\`
  after 30 s.
- **Tokens.** With \`getToken\`, the client sends a fresh token on the open socket before the old one expires, and replaces a
  token that is rejected. A \`getToken\` that rejects, or that takes longer than 10 s, is called again later. After two rejections in a row, or one without \`getToken\`, the connection is closed as
  \`unauthorized\`. A page of another origin than the edge cannot ask why a socket did not open, so there the client notices a
  rejected token only on a socket that has been open.
- **Bounded memory.** The client stores up to 64 unread events of a command. Only \`TransferPending\` can exceed that, and its
  oldest events are dropped. The client stores up to 1,000 unread changes of a watch. Beyond that it stops the watch, and the
  next read returns a \`reset\` with all calls of that moment. The pages of a long snapshot are fetched as you read them.
- **Closed for good.** After \`close\`, an aborted signal, or the state \`closed\`, nothing opens the connection again, and the
  client keeps no timer and no socket. Call \`connect\` for a new one.
- **Signals.** An \`AbortSignal\` stops the waiting and rejects with its reason. It does not end a call: use \`start.end()\` or
  \`callEnd\`.
- **No unhandled rejections.** An \`ended\` that rejects and that nobody handles does not end the process.
`;

/** Returns the Markdown of the page. */
export async function renderClientPage(): Promise<string> {
  const examples = await Promise.all(
    EXAMPLES.map(async ([title, name]) => `## ${title}\n\n\`\`\`ts\n${await readExample(name)}\`\`\`\n`),
  );
  return [INTRODUCTION, ...examples, GUARANTEES, `## Reference\n`, ...(await referenceSections())].join('\n');
}

/** Returns an example with its expected output marked for readers. */
async function readExample(name: string): Promise<string> {
  const text = await readFile(join(root, 'docs/examples/client', `${name}.ts`), 'utf8');
  return text.replace(/^\/\/ → /m, '\n// It prints:\n// → ');
}

interface Declaration {
  readonly name: string;
  readonly description: string;
  readonly code: string;
  readonly isExported: boolean;
}

/** Returns a section for each exported name, and for the types that it refers to, in the order of the index. */
async function referenceSections(): Promise<string[]> {
  const files = await emitDeclarationFiles();
  const all = files.flatMap(parseDeclarations);
  // If two declarations have the same name, the exported one wins.
  const exportedLast = [
    ...all.filter(({ isExported }) => !isExported),
    ...all.filter(({ isExported }) => isExported),
  ];
  const declared = new Map(exportedLast.map((declaration) => [declaration.name, declaration]));
  const index = await readFile(join(root, 'client/index.ts'), 'utf8');
  const exported = [...index.matchAll(/\{([^}]*)\}/g)].flatMap(([, names = '']) =>
    names.split(',').map((name) => name.replace('type', '').trim()),
  );
  // Iterating over a set includes the entries that are added meanwhile.
  const shown = new Set(['connect', ...exported].filter((name) => declared.has(name)));
  for (const name of shown)
    for (const type of referencedTypes(declared.get(name)?.code ?? ''))
      if (declared.has(type)) shown.add(type);
  return [...shown].flatMap((name) => {
    const declaration = declared.get(name);
    if (!declaration) return [];
    const { description, code } = declaration;
    return [`### ${name}\n\n${description === '' ? '' : `${description}\n\n`}\`\`\`ts\n${code}\n\`\`\`\n`];
  });
}

/** Returns the capitalized words outside comments and string literals. */
function referencedTypes(code: string): string[] {
  return code.replaceAll(/\/\*.*?\*\/|'[^']*'/gs, '').match(/\b[A-Z]\w+/g) ?? [];
}

/** Returns the text of each declaration file of the package. */
async function emitDeclarationFiles(): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'call-api-types-'));
  await execute(join(root, 'node_modules/.bin/tsc'), ['-p', join(root, 'client'), '--outDir', directory]);
  const names = await readdir(directory, { recursive: true });
  const files = names.filter((name) => name.endsWith('.d.ts')).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(directory, file), 'utf8')));
  await rm(directory, { recursive: true });
  return texts;
}

const JSDOC_LINK = /\{@link ([\w.]+)\}/g;

/** An optional JSDoc comment, and the declaration after it. */
const DECLARATION_PATTERNS = [
  // Up to an unindented brace.
  /(?:^\/\*\*((?:(?!\*\/).)*)\*\/\n)?^((?:export )?(?:declare )?(?:interface|class) (\w+).*?^\})$/gms,
  // Up to the semicolon at the end of an unindented line.
  /(?:^\/\*\*((?:(?!\*\/).)*)\*\/\n)?^((?:export )?(?:declare )?(?:type|const|function) (\w+)(?:[^\n]*;|.*?^\S[^\n]*;))$/gms,
];

function parseDeclarations(file: string): Declaration[] {
  const matches = DECLARATION_PATTERNS.flatMap((pattern) => [...file.matchAll(pattern)]);
  return matches.map(([, comment = '', code = '', name = '']) => ({
    name,
    isExported: code.startsWith('export'),
    description: comment
      .replaceAll(/^ ?\*? ?/gm, '')
      .replaceAll(JSDOC_LINK, '`$1`')
      .replaceAll(/^@(\w+) (\w+)/gm, '\n*$1* `$2`')
      .trim(),
    code: code
      .replaceAll(/^(export )?(declare )?/gm, '')
      .replaceAll(JSDOC_LINK, '$1')
      .replaceAll(/^( {4})+/gm, (indent) => ' '.repeat(indent.length / 2)),
  }));
}

if (import.meta.main) await writeFile(pageFile, await renderClientPage());
