/** Completion of commands, flags and their values in bash, zsh and fish, made from the commands themselves. Pure. @module */
import type { Command, Option } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A command with all that may follow it. */
interface Place {
  /** The words that lead to it: none for the program itself. */
  readonly path: readonly string[];
  readonly words: readonly { readonly word: string; readonly help: string }[];
}

/** The script for that shell; docs/cli.md tells where to put it. */
export function completionFor(shell: Shell, program: Command): string {
  const places = placesOf(program, [], program.options);
  const values = valuesOf(program);
  return { bash, zsh, fish }[shell](program.name(), places, values);
}

/** Values that a flag takes, by the flag, and those of arguments by their command. */
function valuesOf(program: Command): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, readonly string[]>();
  const visit = (command: Command) => {
    for (const { long, argChoices } of command.options) if (long && argChoices) values.set(long, argChoices);
    for (const { argChoices } of command.registeredArguments)
      if (argChoices) values.set(command.name(), argChoices);
    command.commands.forEach(visit);
  };
  visit(program);
  return values;
}

function placesOf(command: Command, path: readonly string[], everywhere: readonly Option[]): Place[] {
  const flags = path[0] === 'admin' ? command.options : [...new Set([...command.options, ...everywhere])];
  const here: Place = {
    path,
    words: [
      ...command.commands.map((each) => ({ word: each.name(), help: each.description() })),
      ...flags.flatMap(({ long, description }) => (long ? [{ word: long, help: description }] : [])),
      { word: '--help', help: 'print this text' },
    ],
  };
  return [here, ...command.commands.flatMap((each) => placesOf(each, [...path, each.name()], everywhere))];
}

/** A `case` of the words that were written; what is no command (a Call-ID, a value) leaves the place as it is. */
function posix(
  places: readonly Place[],
  values: ReadonlyMap<string, readonly string[]>,
  offer: (words: string) => string,
): string {
  const steps = places
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => `"${path.map((word) => ` ${word}`).join('')}"`);
  const wanted = [...values].map(
    ([after, choices]) => `    ${after}) ${offer(choices.join(' '))}; return ;;`,
  );
  const offered = places.map(
    ({ path, words }) =>
      `    "${path.map((word) => ` ${word}`).join('')}") ${offer(words.map(({ word }) => word).join(' '))} ;;`,
  );
  return `  for word in "\${before[@]}"; do
    case "$place $word" in
      ${steps.join('|')}) place="$place $word" ;;
    esac
  done
  case "$last" in
${wanted.join('\n')}
    --config|--token-file|--secret-file) FILES; return ;;
  esac
  case "$place" in
${offered.join('\n')}
  esac`;
}

function bash(
  name: string,
  places: readonly Place[],
  values: ReadonlyMap<string, readonly string[]>,
): string {
  const body = posix(places, values, (words) => `COMPREPLY=($(compgen -W "${words}" -- "$now"))`);
  return `# bash completion of ${name}: source it, such as  source <(${name} completion bash)
_call_api() {
  local place= word now="\${COMP_WORDS[COMP_CWORD]}" last="\${COMP_WORDS[COMP_CWORD-1]}"
  local -a before=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
${body.replace('FILES', 'COMPREPLY=($(compgen -f -- "$now"))')}
}
complete -F _call_api ${name}
`;
}

function zsh(name: string, places: readonly Place[], values: ReadonlyMap<string, readonly string[]>): string {
  const body = posix(places, values, (words) => `compadd -- ${words}`);
  return `# zsh completion of ${name}: after compinit,  source <(${name} completion zsh)
_call_api() {
  local place= word last="\${words[CURRENT-1]}"
  local -a before=("\${(@)words[2,CURRENT-1]}")
${body.replace('FILES', '_files')}
}
compdef _call_api ${name}
`;
}

function fish(
  name: string,
  places: readonly Place[],
  values: ReadonlyMap<string, readonly string[]>,
): string {
  const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`;
  const lines = places.flatMap(({ path, words }) => {
    const inside = path.map((word) => `__fish_seen_subcommand_from ${word}`);
    const deeper = places.flatMap(({ path: other }) =>
      other.length === path.length + 1 && path.every((word, at) => other[at] === word) ? [other.at(-1)] : [],
    );
    const outside = deeper.length > 0 ? [`not __fish_seen_subcommand_from ${deeper.join(' ')}`] : [];
    const condition = quoted([...inside, ...outside].join('; and ') || 'true');
    return words.map(({ word, help }) => {
      const choices = values.get(word);
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
      const takes = choices ? ` -x -a ${quoted(choices.join(' '))}` : '';
      return `complete -c ${name} -n ${condition} ${what}${takes} -d ${quoted(help)}`;
    });
  });
  const shells = values.get('completion') ?? [];
  return `# fish completion of ${name}: put it into ~/.config/fish/completions/${name}.fish
complete -c ${name} -f
${lines.join('\n')}
complete -c ${name} -n '__fish_seen_subcommand_from completion' -a ${quoted(shells.join(' '))}
`;
}
