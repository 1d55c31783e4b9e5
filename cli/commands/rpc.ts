/**
 * `rpc METHOD JSON`: sends one request and prints the raw messages until the command has ended, as the `call-api-client`
 * of OpenSIPS's own Call API does.
 * @module
 */

import { PONG } from '../../shared/protocol/link.ts';
import { isCommandMethod } from '../../shared/protocol/rpc/commands.ts';
import {
  errorCode,
  errorResponse,
  notification,
  successResponse,
} from '../../shared/protocol/rpc/jsonrpc.ts';
import { quote } from '../../shared/settings/quote.ts';
import { EXIT, type Exit, exitFor, Failure } from '../exit.ts';
import type { Output } from '../output/printer.ts';
import type { Settings } from '../settings/settings.ts';
import { noAnswer, notAnEdge } from '../transport/connect-error.ts';
import { openSocket, parseMessage } from '../transport/edge-connection.ts';
import { startHeartbeat } from '../transport/heartbeat.ts';
import type { Transport } from '../transport/transport.ts';
import { interrupted } from './session.ts';

const ID = '1';

interface Message {
  readonly error?: { readonly code: number };
  readonly result?: { readonly event?: string };
  readonly params?: { readonly event: string; readonly error?: { readonly code: number } };
}

/** Sends the request through the edge. A query ends with its response, a command with its `Ended`. */
export async function rpcThroughEdge(
  settings: Settings,
  method: string,
  params: object,
  out: Output,
  interrupt: AbortSignal,
): Promise<Exit> {
  const request = JSON.stringify({ jsonrpc: '2.0', id: ID, method, params });
  const connecting = openSocket(settings);
  const socket = await Promise.race([connecting, interrupted(interrupt)]);
  if (socket === EXIT.interrupted) {
    void connecting.then(
      (late) => late.terminate(),
      () => {},
    );
    return socket;
  }
  out.write(`→ ${request}\n`);
  let commandExit: Exit = EXIT.done;
  return new Promise<Exit>((resolve, reject) => {
    const finish = (exit: Exit) => {
      resolve(exit);
      socket.close();
    };
    const onSilent = () => {
      reject(noAnswer(settings.edge, settings.timeoutMs));
      socket.terminate();
    };
    // What follows may take as long as a phone rings, so from then on only the heartbeat tells that the edge is there.
    const firstAnswer = setTimeout(onSilent, settings.timeoutMs);
    socket.once('message', () => {
      clearTimeout(firstAnswer);
      startHeartbeat(socket, settings.timeoutMs, onSilent);
    });
    socket.once('close', () => clearTimeout(firstAnswer));
    interrupt.addEventListener('abort', () => finish(EXIT.interrupted), { once: true });
    socket.on('message', (data) => {
      const text = data.toString();
      if (text === PONG) return;
      out.write(`← ${text}\n`);
      const message: Message | undefined = parseMessage(text);
      if (!message) {
        reject(notAnEdge(settings.edge));
        socket.close();
        return;
      }
      const { error, result, params: update } = message;
      if (error) finish(exitFor(error.code));
      else if (update?.event === 'Error')
        commandExit = update.error ? exitFor(update.error.code) : EXIT.failed;
      else if (update?.event === 'Ended') finish(commandExit);
      else if (result && result.event !== 'Started') finish(EXIT.done);
    });
    socket.on('close', (closeCode, reason) =>
      reject(
        new Failure(
          EXIT.unreachable,
          `The edge closed the connection (code ${closeCode}${reason.length > 0 ? `: ${reason}` : ''}). Try again.`,
        ),
      ),
    );
    socket.send(request);
  });
}

/** Prints the same messages without an edge. */
export async function rpcDirect(
  transport: Transport,
  method: string,
  params: object,
  out: Output,
  interrupt: AbortSignal,
): Promise<Exit> {
  const show = (message: object) => out.write(`← ${JSON.stringify(message)}\n`);
  out.write(`→ ${JSON.stringify({ jsonrpc: '2.0', id: ID, method, params })}\n`);
  if (!isCommandMethod(method)) {
    const data = `There is no method ${quote(method)} with --direct. Use a command such as CallStart, or remove --direct.`;
    show(errorResponse(ID, { code: errorCode.methodNotFound, message: 'Method not found', data }));
    return EXIT.usage;
  }
  return new Promise<Exit>((resolve) => {
    let exit: Exit = EXIT.done;
    const onInterrupt = () => {
      // After this process nobody would stop the phone from ringing, so the call is ended as `start` ends it.
      if (method === 'CallStart') transport.run('CallEnd', { callid: cmdId }, () => {});
      else resolve(EXIT.interrupted);
    };
    interrupt.addEventListener('abort', onInterrupt, { once: true });
    const cmdId = transport.run(method, params, ({ event, data, error, seq }) => {
      if (event === 'Started') show(successResponse(ID, { cmd_id: cmdId, event }));
      else if (event === 'Refused' && error) show(errorResponse(ID, error));
      else show(notification(method, { cmd_id: cmdId, event, data, error, seq }));
      if (error) exit = exitFor(error.code);
      if (event === 'Ended' || event === 'Refused') resolve(interrupt.aborted ? EXIT.interrupted : exit);
    });
  });
}
