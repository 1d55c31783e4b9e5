/** Shows how commands are written, in the help, in docs/cli.md and after an error. @module */
import type { Command } from 'commander';

/** Makes a command print its usage after an error. Call it when all arguments have been added. */
export function showUsageAfterError(command: Command): void {
  command.showHelpAfterError(
    `Usage: ${command.createHelp().commandUsage(command)}\nUse --help to list the options.`,
  );
}

/** Returns the commands below one that do something themselves. */
export function leavesOf(command: Command): Command[] {
  return command.commands.flatMap((child) => (child.commands.length === 0 ? [child] : leavesOf(child)));
}

/** Returns a command as it is written below another one, with its arguments: `tenant create <TENANT>`. */
export function termOf(command: Command, root: Command): string {
  const path: string[] = [];
  for (let at: Command | null = command; at && at !== root; at = at.parent) path.unshift(at.name());
  const args = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [...path, ...args].join(' ');
}
