/** Runs one command of the Call API: shows each step as it happens, and ends the command on Ctrl-C. @module */
import type { CommandMethod } from '../../shared/protocol/rpc/commands.ts';
import { EXIT, type Exit, exitFor } from '../exit.ts';
import { failureText, stepLabel } from '../output/labels.ts';
import type { Printer } from '../output/printer.ts';
import type { CommandUpdate, Transport } from '../transport/transport.ts';
import { interrupted } from './session.ts';

/** Steps that tell a person no more than the one before. */
const SILENT = ['Started', 'Ended'];

/**
 * Runs a command to its end, and returns its exit code.
 * @param interrupt aborted by the first Ctrl-C: it ends a CallStart; of any other command it ends the display only
 */
export async function runCommand(
  transport: Transport,
  method: CommandMethod,
  params: object,
  printer: Printer,
  interrupt: AbortSignal,
): Promise<Exit> {
  const show = stepPrinter(printer, method);
  let isEnding = false;
  let loss: CommandUpdate | undefined;
  const command = start(transport, method, params, (update) => {
    printer.object(toObject(method, update));
    // Where the transport has failed, its error says why the command was lost.
    if (update.event === 'Lost') loss = update;
    // While the call is being ended, a failure is what the user asked for.
    else if (!isEnding) show(update);
  });
  const first = await Promise.race([transport.failed, command.exit, interrupted(interrupt)]);
  if (first !== EXIT.interrupted) {
    if (loss) show(loss);
    return first;
  }
  if (method === 'CallStart') {
    isEnding = true;
    printer.hint('Ending the call. Press Ctrl-C again to leave at once.');
    const end = start(transport, 'CallEnd', { callid: command.cmdId }, () => {});
    const [exit] = await Promise.race([Promise.all([end.exit, command.exit]), transport.failed]);
    const otherwise =
      'The call could not be ended, and the phone may ring on. Run call-api list to see whether the call is active.';
    printer.hint(exit === EXIT.done ? 'The call has ended.' : otherwise);
  } else {
    printer.hint(
      `${method} was sent and may still be carried out. Run call-api list to see the state of the call.`,
    );
  }
  return EXIT.interrupted;
}

function start(
  transport: Transport,
  method: CommandMethod,
  params: object,
  onUpdate: (update: CommandUpdate) => void,
): { readonly cmdId: string; readonly exit: Promise<Exit> } {
  let cmdId = '';
  const exit = new Promise<Exit>((resolve) => {
    let commandExit: Exit = EXIT.done;
    cmdId = transport.run(method, params, (update) => {
      onUpdate(update);
      const { event, error } = update;
      if (event === 'Error' || event === 'Refused' || event === 'Lost')
        commandExit = error ? exitFor(error.code) : EXIT.failed;
      if (event === 'Ended' || event === 'Refused' || event === 'Lost') resolve(commandExit);
    });
  });
  return { cmdId, exit };
}

/** Returns an update as `--json` prints it. */
function toObject(method: CommandMethod, { event, data, error, seq }: CommandUpdate): object {
  return {
    method,
    event,
    ...(data === undefined ? {} : { data }),
    ...(error ? { error } : {}),
    ...(seq === undefined ? {} : { seq }),
  };
}

/** Returns a function that prints steps; `done` only where no other step has told how the command went. */
function stepPrinter(printer: Printer, method: CommandMethod): (update: CommandUpdate) => void {
  let hasFailed = false;
  return (update) => {
    const { event } = update;
    if (event === 'Error' || event === 'Refused' || event === 'Lost') {
      hasFailed = true;
      printer.hint(failureText(update));
    } else if (!SILENT.includes(event) || (event === 'Ended' && method === 'CallEnd' && !hasFailed)) {
      printer.step(stepLabel(method, update));
    }
  };
}
