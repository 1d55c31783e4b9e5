/** Renders the completion scripts of bash, zsh and fish, from the program's commands. Pure. @module */
import type { Command, Option } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A command, and what may follow it. */
interface Position {
  /** The names that lead to the command: none for the program itself. */
  readonly path: readonly string[];
  readonly words: readonly { readonly word: string; readonly help: string }[];
  /** Values by the word that they follow: a flag, or the command's own name for its argument. */
  readonly choices: ReadonlyMap<string, readonly string[]>;
}

/** Returns the script for a shell; docs/cli.md says where to put it. */
export function renderCompletion(shell: Shell, program: Command): string {
  return { bash, zsh, fish }[shell](program.name(), positionsOf(program, [], []), fileFlagsOf(program));
}

/** @param inherited options of the commands above that may follow this one too */
function positionsOf(command: Command, path: readonly string[], inherited: readonly Option[]): Position[] {
  const own = command.options.filter(({ hidden }) => !hidden);
  const choices = new Map<string, readonly string[]>();
  for (const { long, argChoices } of own) if (long && argChoices) choices.set(long, argChoices);
  for (const { argChoices } of command.registeredArguments)
    if (argChoices) choices.set(command.name(), argChoices);
  const position: Position = {
    path,
    words: [
      ...command.commands.map((child) => ({ word: child.name(), help: child.description() })),
      ...[...own, ...inherited].flatMap(({ long, description }) =>
        long ? [{ word: long, help: description }] : [],
      ),
      { word: '--help', help: 'print this text' },
    ],
    choices,
  };
  const children = command.commands.flatMap((child) =>
    // These have options of their own instead of the program's.
    positionsOf(
      child,
      [...path, child.name()],
      ['admin', 'manage'].includes(child.name()) ? [] : [...own, ...inherited],
    ),
  );
  return [position, ...children];
}

/** Returns the flags whose value is a file. */
function fileFlagsOf(command: Command): string[] {
  const flags = command.options.flatMap(({ long, flags }) =>
    long && flags.endsWith('<file>') ? [long] : [],
  );
  return [...new Set([...flags, ...command.commands.flatMap(fileFlagsOf)])];
}

/** Returns the path as the script collects it: each name with a space before it. */
function patternOf(path: readonly string[]): string {
  return path.map((name) => ` ${name}`).join('');
}

/**
 * Returns the body for bash and zsh. It walks along the words before the cursor; a word that is no command, such as a
 * Call-ID or a value, leaves the position unchanged.
 */
function posix(
  positions: readonly Position[],
  fileFlags: readonly string[],
  offer: (words: string) => string,
  offerFiles: string,
): string {
  const steps = positions
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => `"${patternOf(path)}"`)
    .join('|');
  const values = positions.flatMap(({ path, choices }) =>
    [...choices].map(
      ([after, words]) => `    "${patternOf(path)} ${after}") ${offer(words.join(' '))}; return ;;`,
    ),
  );
  const words = positions.map(
    ({ path, words }) => `    "${patternOf(path)}") ${offer(words.map(({ word }) => word).join(' '))} ;;`,
  );
  return `  for word in "\${before[@]}"; do
    case "$place $word" in
      ${steps}) place="$place $word" ;;
    esac
  done
  case "$place $last" in
${values.join('\n')}
    ${fileFlags.map((flag) => `*" ${flag}"`).join('|')}) ${offerFiles}; return ;;
  esac
  case "$place" in
${words.join('\n')}
  esac`;
}

function bash(name: string, positions: readonly Position[], fileFlags: readonly string[]): string {
  const offer = (words: string) => `COMPREPLY=($(compgen -W "${words}" -- "$now"))`;
  return `# bash completion of ${name}: source it, such as  source <(${name} completion bash)
_call_api() {
  local place= word now="\${COMP_WORDS[COMP_CWORD]}" last="\${COMP_WORDS[COMP_CWORD-1]}"
  local -a before=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
${posix(positions, fileFlags, offer, 'COMPREPLY=($(compgen -f -- "$now"))')}
}
complete -F _call_api ${name}
`;
}

function zsh(name: string, positions: readonly Position[], fileFlags: readonly string[]): string {
  return `# zsh completion of ${name}: after compinit,  source <(${name} completion zsh)
_call_api() {
  local place= word last="\${words[CURRENT-1]}"
  local -a before=("\${(@)words[2,CURRENT-1]}")
${posix(positions, fileFlags, (words) => `compadd -- ${words}`, '_files')}
}
compdef _call_api ${name}
`;
}

function fish(name: string, positions: readonly Position[], fileFlags: readonly string[]): string {
  const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`;
  const lines = positions.flatMap(({ path, words, choices }) => {
    const inside = path.map((word) => `__fish_seen_subcommand_from ${word}`);
    const children = positions.flatMap(({ path: other }) =>
      other.length === path.length + 1 && path.every((word, at) => other[at] === word) ? [other.at(-1)] : [],
    );
    const outside = children.length > 0 ? [`not __fish_seen_subcommand_from ${children.join(' ')}`] : [];
    const condition = quoted([...inside, ...outside].join('; and ') || 'true');
    const argument = choices.get(path.at(-1) ?? '');
    return [
      ...words.map(({ word, help }) => {
        const values = choices.get(word);
        const offered = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
        const takes = values
          ? ` -x -a ${quoted(values.join(' '))}`
          : fileFlags.includes(word)
            ? ' -r -F'
            : '';
        return `complete -c ${name} -n ${condition} ${offered}${takes} -d ${quoted(help)}`;
      }),
      ...(argument ? [`complete -c ${name} -n ${condition} -a ${quoted(argument.join(' '))}`] : []),
    ];
  });
  return `# fish completion of ${name}: put it into ~/.config/fish/completions/${name}.fish
complete -c ${name} -f
${lines.join('\n')}
`;
}
