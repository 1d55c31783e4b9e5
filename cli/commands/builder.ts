/** Adds a command to the program: its arguments and options, and what it does with the settings once it is parsed. @module */
import { type Argument, type Command, Option } from 'commander';
import type { Exit } from '../exit.ts';
import { Printer } from '../output/printer.ts';
import { SETTINGS } from '../settings/definitions.ts';
import { flagsIn, optionsFor } from '../settings/reader.ts';
import { readCallSettings } from '../settings/settings.ts';
import { type Context, type Session, untilInterrupted } from './session.ts';
import { showUsageAfterError } from './usage.ts';

export interface CommandDefinition<Options extends object> {
  readonly name: string;
  readonly summary: string;
  readonly args?: readonly Argument[];
  readonly options?: readonly Option[];
  /** Set for commands that leave something behind, such as a ringing phone, unless they end it themselves at Ctrl-C. */
  readonly endsItself?: true;
  readonly act: (session: Session, args: readonly string[], options: Options) => Promise<Exit>;
}

/** Adds commands; the program has the options of {@link addSharedOptions}. */
export class CommandBuilder {
  readonly program: Command;
  readonly context: Context;

  constructor(program: Command, context: Context) {
    this.program = program;
    this.context = context;
  }

  add<Options extends object = object>({
    name,
    summary,
    args = [],
    options = [],
    endsItself = undefined,
    act,
  }: CommandDefinition<Options>): void {
    const { program, context } = this;
    const command = program.command(name).description(summary);
    for (const argument of args) command.addArgument(argument);
    for (const option of options) command.addOption(option);
    // The shared options may follow the command too. The help lists them once, as those of the program.
    addSharedOptions(command, (option) => option.hideHelp());
    showUsageAfterError(command);
    command.action(async (...parsed: unknown[]) => {
      const given: Record<string, unknown> = { ...program.opts(), ...command.opts() };
      const settings = readCallSettings(flagsIn(SETTINGS, given), context.env);
      const printer = new Printer(context.out, context.err, {
        json: given['json'] === true,
        noColor: (context.env['NO_COLOR'] ?? '') !== '',
      });
      const texts = parsed
        .slice(0, args.length)
        .flatMap((text) => (text === undefined ? [] : text)) as string[];
      const session = { settings, printer, context, endsItself: endsItself === true };
      const exit = act(session, texts, command.opts<Options>());
      context.onExit(await (endsItself ? exit : untilInterrupted(exit, context.interrupt)));
    });
  }
}

/** Adds the flags of the settings, and `--json`. */
export function addSharedOptions(
  command: Command,
  change: (option: Option) => Option = (option) => option,
): void {
  for (const option of optionsFor(SETTINGS)) command.addOption(change(option));
  command.addOption(change(new Option('--json', 'Print one JSON object per line')));
}
