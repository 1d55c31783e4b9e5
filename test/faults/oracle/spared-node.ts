/** Checks that commands at an OpenSIPS without faults do not notice what happens to another one. @module */
import type { Ledger } from '../../../simulator/index.ts';
import type { CommandRecord } from '../scenario.ts';
import { findLegs } from './dialogs.ts';
import { describeError, isIndeterminate } from './errors.ts';

/** @param spared the ledger of an OpenSIPS that has had no faults, and whose adapter and link have had none */
export function findAffectedCommands(commands: readonly CommandRecord[], spared: Ledger): string[] {
  return commands
    .filter((command) => isAt(command, commands, spared) && (isIndeterminate(command) || command.isLost))
    .map((command) => `#${command.n} ${command.method} ${command.cmdId}: ${describeError(command)}`);
}

function isAt(command: CommandRecord, commands: readonly CommandRecord[], ledger: Ledger): boolean {
  if (command.parties !== undefined) return findLegs(command, ledger).firstLegs.length > 0;
  const callid = String(command.params['callid'] ?? command.params['callidA']);
  const target = commands.find(({ cmdId }) => cmdId === callid);
  if (target) return isAt(target, commands, ledger);
  // What an earlier command left unknown may be unknown to the later ones.
  return !command.isCallIndeterminate && ledger.findDialog(callid) !== undefined;
}
