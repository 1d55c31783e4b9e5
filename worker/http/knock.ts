/**
 * `POST /adapter/knock`: an adapter that listens, and that nobody has dialed, delivers what has happened and asks to be dialed. The Worker
 * plays its socket for as long as that takes, so that the messages pass the link as on any other one: once, in order, and stored before
 * they are acknowledged.
 * @module
 */
import type * as z from 'zod';
import { Knock, type KnockAnswer, MAX_KNOCK_LENGTH } from '../../shared/protocol/dial.ts';
import { EdgeMessage, parseFrame } from '../../shared/protocol/link.ts';
import { validate } from '../../shared/protocol/validation/validate.ts';
import type { Authenticated } from '../auth/authenticated.ts';
import type { AdapterPrincipal } from '../auth/principal.ts';
import { problemResponse, RETRY_AFTER_S } from '../errors/problem.ts';
import { openSocket } from './switchboard-client.ts';

/** A character of JSON has up to 3 bytes in UTF-8 (a surrogate pair has 4 for two). */
export const MAX_KNOCK_BYTES = 3 * MAX_KNOCK_LENGTH;

/** How long the site's object may take, in milliseconds. */
const REPLY_TIMEOUT_MS = 5_000;

/** How the site's object has ended the socket. */
interface LinkEnd {
  readonly code: number;
  readonly reason: string;
}

export async function respondToKnock(
  request: Request,
  env: Env,
  adapter: Authenticated<AdapterPrincipal>,
): Promise<Response> {
  const text = await request.text();
  if (text.length > MAX_KNOCK_LENGTH) return tooLong();
  const knock = readKnock(text);
  if (typeof knock === 'string') return problemResponse(400, knock);
  const response = await openSocket(env, adapter, { ...adapter.principal, knocks: true });
  if (!response.webSocket) return response;
  const exchanged = await exchange(response.webSocket, knock);
  if ('answer' in exchanged) return Response.json(exchanged.answer);
  const { code, reason } = exchanged.end;
  // From 4400 on the link says what is wrong with the messages or the versions; before that, that they are to be sent again.
  if (code >= 4400) return problemResponse(409, reason);
  const detail = 'The site could not take the messages now. Send them again.';
  return problemResponse(503, detail, { 'Retry-After': String(RETRY_AFTER_S) });
}

/** The answer to a body that is too long. */
export function tooLong(): Response {
  const detail = `The body has more than ${MAX_KNOCK_LENGTH} characters. Send fewer messages, and the others with the next knock.`;
  return problemResponse(413, detail);
}

function readKnock(text: string): z.infer<typeof Knock> | string {
  try {
    const knock = validate(Knock, JSON.parse(text), 'The body');
    return knock.success ? knock.data : knock.error;
  } catch {
    return 'The body is not JSON. Send an object with hello and messages.';
  }
}

/** Sends everything in one frame, which the link applies in one turn. Its first frame is sent when that turn is stored. */
async function exchange(
  socket: WebSocket,
  { hello, messages }: Knock,
): Promise<{ readonly answer: KnockAnswer } | { readonly end: LinkEnd }> {
  const received: EdgeMessage[] = [];
  const { promise, resolve } = Promise.withResolvers<LinkEnd>();
  const timer = setTimeout(() => resolve({ code: 1011, reason: 'no answer in time' }), REPLY_TIMEOUT_MS);
  socket.addEventListener('message', ({ data }) => {
    const frame = parseFrame(EdgeMessage, String(data));
    if ('error' in frame) return resolve({ code: 1011, reason: frame.error });
    if (received.length === 0) socket.send(JSON.stringify({ type: 'goodbye' }));
    received.push(...frame.messages);
  });
  socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }));
  socket.addEventListener('error', () => resolve({ code: 1011, reason: 'connection lost' }));
  socket.accept();
  socket.send(JSON.stringify([hello, ...messages]));
  const end = await promise;
  clearTimeout(timer);
  socket.close(1000, 'The knock has ended.');
  const answer = answerOf(received);
  return answer && end.code === 1000 ? { answer } : { end };
}

/** The acknowledgement in the frame with `welcome` is of the messages that were sent with `hello`. */
function answerOf(received: readonly EdgeMessage[]): KnockAnswer | undefined {
  const welcome = received.find((message) => message.type === 'welcome');
  if (!welcome) return undefined;
  const acknowledged = received.flatMap((message) => (message.type === 'ack' ? [message.seq] : []));
  return {
    welcome: { ...welcome, applied: Math.max(welcome.applied, ...acknowledged) },
    requests: received.filter((message) => message.type === 'mi' || message.type === 'in-dialog'),
    dials: true,
  };
}
