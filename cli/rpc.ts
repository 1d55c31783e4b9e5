/**
 * `rpc METHOD JSON`: sends one request and prints what comes, raw, until the command has ended. So does upstream's
 * `call-api-client`.
 * @module
 */
import { code, failure, notification, success } from '../shared/jsonrpc.ts';
import { isMethod } from '../shared/methods.ts';
import { dial } from './edge.ts';
import { EXIT, type Exit, exitOf, Failure } from './exit.ts';
import type { Line } from './line.ts';
import type { Sink } from './printer.ts';
import type { Settings } from './settings.ts';

const ID = '1';

/** The params as an object; throws a {@link Failure} where they are none. */
export function paramsIn(json: string): object {
  let params: unknown;
  try {
    params = JSON.parse(json);
  } catch {
    params = undefined;
  }
  if (typeof params === 'object' && params !== null) return params;
  throw new Failure(EXIT.usage, `${json} is no object of JSON; write it like '{"callid":"5c25…"}'`);
}

/** Through the edge. A question is over with its answer, a command with its `Ended`. */
export async function rpc(
  settings: Settings,
  method: string,
  params: object,
  out: Sink,
  interrupt: AbortSignal,
): Promise<Exit> {
  const request = JSON.stringify({ jsonrpc: '2.0', id: ID, method, params });
  const socket = await dial(settings);
  out.write(`→ ${request}\n`);
  let exit: Exit = EXIT.done;
  return new Promise<Exit>((resolve, reject) => {
    const leave = (how: Exit) => {
      resolve(how);
      socket.close();
    };
    if (interrupt.aborted) leave(EXIT.interrupted);
    interrupt.addEventListener('abort', () => leave(EXIT.interrupted), { once: true });
    socket.on('message', (data) => {
      const text = data.toString();
      out.write(`← ${text}\n`);
      const { error, result, params: told } = JSON.parse(text) as Message;
      if (error) leave(exitOf(error.code));
      else if (told?.event === 'Error') exit = told.error ? exitOf(told.error.code) : EXIT.failed;
      else if (told?.event === 'Ended') leave(exit);
      else if (result && result.event !== 'Started') leave(EXIT.done);
    });
    socket.on('close', (closed, reason) =>
      reject(
        new Failure(EXIT.unreachable, `the edge has closed the connection (${closed} ${reason}): try again`),
      ),
    );
    socket.send(request);
  });
}

interface Message {
  readonly error?: { readonly code: number };
  readonly result?: { readonly event?: string };
  readonly params?: { readonly event: string; readonly error?: { readonly code: number } };
}

/** The same messages, without an edge. */
export async function rpcDirect(
  line: Line,
  method: string,
  params: object,
  out: Sink,
  interrupt: AbortSignal,
): Promise<Exit> {
  const show = (message: object) => out.write(`← ${JSON.stringify(message)}\n`);
  out.write(`→ ${JSON.stringify({ jsonrpc: '2.0', id: ID, method, params })}\n`);
  if (!isMethod(method)) {
    const data = 'direct mode has the commands only; leave --direct out to ask the edge';
    show(failure(ID, { code: code.methodNotFound, message: 'Method not found', data }));
    return EXIT.usage;
  }
  return new Promise<Exit>((resolve) => {
    let exit: Exit = EXIT.done;
    const leave = () => {
      // Nobody would look after the phone that rings: it is ended as `start` ends it.
      if (method === 'CallStart') line.run('CallEnd', { callid: cmdId }, () => {});
      else resolve(EXIT.interrupted);
    };
    interrupt.addEventListener('abort', leave, { once: true });
    const cmdId = line.run(method, params, ({ event, data, error, seq }) => {
      if (event === 'Started') show(success(ID, { cmd_id: cmdId, event }));
      else if (event === 'Refused' && error) show(failure(ID, error));
      else show(notification(method, { cmd_id: cmdId, event, data, error, seq }));
      if (error) exit = exitOf(error.code);
      if (event === 'Ended' || event === 'Refused') resolve(interrupt.aborted ? EXIT.interrupted : exit);
    });
  });
}
