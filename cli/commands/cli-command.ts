/** A command line parser whose usage errors are written like all other messages. @module */
import { Command, type ErrorOptions } from 'commander';
import { quote } from '../../shared/settings/quote.ts';

/** Commander's `Command`, with sentences of our own for its errors. */
export class CliCommand extends Command {
  override createCommand(name?: string): CliCommand {
    return new CliCommand(name);
  }

  override error(message: string, options?: ErrorOptions): never {
    return super.error(usageErrorText(this, message, options?.code ?? ''), options);
  }
}

/**
 * Returns the sentence for an error of commander.
 * @param message commander's own sentence, in which names are in single quotes
 * @param code the kind of error
 */
function usageErrorText(command: Command, message: string, code: string): string {
  const [first = '', second = ''] = [...message.matchAll(/'(.*?)'(?=[ \n.]|$)/gs)].map(
    ([, name = '']) => name,
  );
  const [, suggestion] = /\(Did you mean (?:one of )?(.*)\?\)/.exec(message) ?? [];
  const hint = suggestion === undefined ? '' : ` Did you mean ${suggestion}?`;
  switch (code) {
    case 'commander.unknownOption':
      // A value after `=` may be a secret.
      return `Unknown option ${quote(first.replace(/=.*/s, ''))}.${hint}`;
    case 'commander.unknownCommand':
      return `Unknown command ${quote(command.args[0] ?? first)}.${hint}`;
    case 'commander.missingArgument':
      return `The argument ${first} is missing.`;
    case 'commander.optionMissingArgument': {
      const [flag, placeholder = ''] = first.split(/[ ,]+/);
      return `${flag} has no value. Write ${flag} ${placeholder.replace(/[<>[\].]/g, '').toUpperCase()}.`;
    }
    case 'commander.excessArguments':
      return `Too many arguments: it takes ${command.registeredArguments.length}, and ${command.args.length} are given. Put quotes around a value with spaces.`;
    case 'commander.conflictingOption':
      return `${flagOf(first)} and ${flagOf(second)} cannot be used together. Use one of them.`;
    default:
      return message.replace(/^error: /, '');
  }
}

function flagOf(flags: string): string {
  return flags.replace(/ .*/s, '');
}
