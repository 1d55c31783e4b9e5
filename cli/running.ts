/** Runs one command of the Call API: shows it as it happens, ends it on Ctrl-C, and tells how it went. @module */
import type { Method } from '../shared/methods.ts';
import { EXIT, type Exit, exitOf } from './exit.ts';
import type { Line, Notice } from './line.ts';
import type { Printer } from './printer.ts';
import { failureIn, wordsOf } from './words.ts';

/** Steps that say no more to a person than the one before. */
const SILENT = ['Started', 'Ended'];

/**
 * Runs it to its end.
 * @param interrupt aborted by the first Ctrl-C: a CallStart is then ended, of anything else no more is told
 */
export async function runCommand(
  line: Line,
  method: Method,
  params: object,
  printer: Printer,
  interrupt: AbortSignal,
): Promise<Exit> {
  const show = shower(printer, method);
  let isEnding = false;
  const command = follow(line, method, params, (notice) => {
    printer.object(objectOf(method, notice));
    // Once it is being ended, what fails is what was asked for.
    if (!isEnding) show(notice);
  });
  const interrupted = new Promise<'interrupted'>((resolve) => {
    if (interrupt.aborted) resolve('interrupted');
    interrupt.addEventListener('abort', () => resolve('interrupted'), { once: true });
  });
  const first = await Promise.race([command.exit, line.broken, interrupted]);
  if (first !== 'interrupted') return first;
  if (method === 'CallStart') {
    isEnding = true;
    printer.hint('ending the call; Ctrl-C again leaves at once');
    const end = follow(line, 'CallEnd', { callid: command.cmdId }, () => {});
    const [how] = await Promise.race([Promise.all([end.exit, command.exit]), line.broken]);
    const otherwise = 'it could not be ended, and may ring on; call-api list tells whether it stands';
    printer.hint(how === EXIT.done ? 'the call is ended' : otherwise);
  } else {
    printer.hint(`${method} has been sent and may go on; call-api list tells how the call stands`);
  }
  return EXIT.interrupted;
}

function follow(
  line: Line,
  method: Method,
  params: object,
  hear: (notice: Notice) => void,
): { readonly cmdId: string; readonly exit: Promise<Exit> } {
  let cmdId = '';
  const exit = new Promise<Exit>((resolve) => {
    let failed: Exit = EXIT.done;
    cmdId = line.run(method, params, (notice) => {
      hear(notice);
      const { event, error } = notice;
      if (event === 'Error' || event === 'Refused' || event === 'Lost')
        failed = error ? exitOf(error.code) : EXIT.failed;
      if (event === 'Ended' || event === 'Refused' || event === 'Lost') resolve(failed);
    });
  });
  return { cmdId, exit };
}

/** For `--json`. */
function objectOf(method: Method, { event, data, error, seq }: Notice): object {
  return {
    method,
    event,
    ...(data === undefined ? {} : { data }),
    ...(error ? { error } : {}),
    ...(seq === undefined ? {} : { seq }),
  };
}

/** Shows the steps; a `done` only where nothing else has said how it went. */
function shower(printer: Printer, method: Method): (notice: Notice) => void {
  let hasFailed = false;
  return (notice) => {
    const { event } = notice;
    if (event === 'Error' || event === 'Refused' || event === 'Lost') {
      hasFailed = true;
      printer.hint(failureIn(notice));
    } else if (!SILENT.includes(event) || (event === 'Ended' && method === 'CallEnd' && !hasFailed)) {
      printer.step(wordsOf(method, notice));
    }
  };
}
