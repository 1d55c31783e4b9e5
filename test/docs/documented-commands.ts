/** Extracts the shell commands of a Markdown page, and makes a script of them for a given stack. Pure. @module */

/** A page's commands that reach the local edge, in order. */
export function documentedCommands(markdown: string): string[] {
  const fenced = [...markdown.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].map(([, block = '']) => block);
  const indented = [...markdown.matchAll(/(?:^ {4}.*\n?)+/gm)].map(([block]) => block);
  return [...fenced, ...indented]
    .map((block) => ({ block, at: markdown.indexOf(block) }))
    .sort((one, other) => one.at - other.at)
    .flatMap(({ block }) => block.replace(/ *\\\n */g, ' ').split('\n'))
    .map((line) => line.trim())
    .filter((line) => isLocal(line) && !PLACEHOLDER.test(line));
}

/** Commands, and the shell functions and variables that they use. */
function isLocal(line: string): boolean {
  return /^(npm run (-s )?(call|call-api)\b|curl .*localhost:5059|callid\(\)|[A-Z]+=\$\(callid )/.test(line);
}

/** What a reader has to replace: an ellipsis, or a credential of a tenant. */
const PLACEHOLDER = /…|\$(?:ADMIN_SECRET|API_KEY|TOKEN)/;

/** Commands that run until Ctrl-C. */
const ENDLESS = /call-api -- (?:watch|.*\bwatch\b)|curl .*-[a-z]*N/;

/** A Call-ID or a position in a page's example, which the reader replaces by that of the last output. */
const EXAMPLE_CALL_ID = /(?<="callid":")[0-9a-f]{16}/g;

/**
 * Returns a bash script that runs the commands. Each prints `exit <status>: <command>` on stderr; one that runs until Ctrl-C is
 * interrupted after two seconds, and must have been alive until then.
 */
export function scriptFor(commands: readonly string[], port: number): string {
  const lines = commands.map((command) => {
    const local = command
      .replaceAll('localhost:5059', `localhost:${port}`)
      .replace(/npm run (?:-s )?call --/, 'node cli/main.ts rpc')
      .replace(/npm run (?:-s )?call-api --/, 'node cli/main.ts')
      .replace(EXAMPLE_CALL_ID, `'"$LAST"'`);
    if (/^(callid\(\)|[A-Z]+=)/.test(command)) return local;
    const text = JSON.stringify(command.replace(/['"$`\\]/g, ''));
    const run = ENDLESS.test(command)
      ? `timeout --signal=INT 2 bash -c ${quote(local)} > out 2>&1; s=$?; [ $s = 124 ] && s=0`
      : `{ ${local}\n} > out 2>&1; s=$?`;
    return [
      run,
      'cat out',
      `LAST=$(grep -o '"callid":"[0-9a-f]*"' out | tail -1 | cut -d'"' -f4 | grep . || echo "$LAST")`,
      `echo "exit $s: "${text} >&2`,
    ].join('\n');
  });
  return ['LAST=', ...lines].join('\n');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
