/** The AsyncAPI document (https://www.asyncapi.com/docs/reference): all messages of the socket, both ways. @module */
import * as z from 'zod';
import { answers } from '../answers.ts';
import { routes } from '../http.ts';
import { RpcError, RpcId } from '../jsonrpc.ts';
import { closeCodes } from '../meanings.ts';
import { type Method, methods } from '../methods.ts';
import { news, notice, noticeOf } from '../notifications.ts';
import { SocketQuery } from '../socket-query.ts';
import { about } from './about.ts';
import { type JsonSchema, jsonSchemas, refTo } from './json-schema.ts';
import { asked, named, suffixed } from './openrpc.ts';

interface Ref {
  readonly $ref: string;
}

interface Message {
  readonly name: string;
  readonly title: string;
  readonly contentType: 'application/json';
  readonly payload: Ref;
}

export interface AsyncApi {
  readonly asyncapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly defaultContentType: string;
  readonly channels: Readonly<Record<string, object>>;
  readonly operations: Readonly<Record<string, object>>;
  readonly components: {
    readonly messages: Readonly<Record<string, Message>>;
    readonly schemas: Readonly<Record<string, JsonSchema>>;
  };
}

/** The document of that version of the service. */
export function asyncApi(version: string): AsyncApi {
  const names = Object.keys(asked);
  const requests = Object.fromEntries(names.map((name) => [`${name}Request`, requestOf(name)]));
  const responses = Object.fromEntries(names.map((name) => [`${name}Response`, responseOf(name)]));
  const notices = suffixed(allNotices, 'Notice');
  // A stream begins with what a client of a socket asks for.
  const opening = { CallsNotice: notice('Calls', answers.CallWatch) };
  const told = Object.keys(notices);
  const overSocket = [...Object.keys({ ...requests, ...responses }), ...told];
  const streamed = [...told, ...Object.keys(opening)];
  const messages = [...overSocket, ...Object.keys(opening)];
  return {
    asyncapi: '3.0.0',
    info: { ...about, version },
    defaultContentType: 'application/json',
    channels: {
      [SOCKET]: {
        address: '/call-api',
        title: 'The socket of a client',
        description: closings(),
        messages: placed(overSocket),
        bindings: {
          ws: { method: 'GET', query: jsonSchemas({ SocketQuery }, 'input', 'draft-07')['SocketQuery'] },
        },
      },
      [STREAM]: {
        address: routes.events.path,
        title: 'Server-Sent Events',
        description: `${routes.events.means}. The data of each is one of these messages, its id the seq`,
        messages: placed(streamed),
      },
    },
    operations: {
      ...Object.fromEntries(names.map((name) => [name, asking(name)])),
      ...Object.fromEntries(told.map((name) => [name, telling(name, SOCKET)])),
      ...Object.fromEntries(streamed.map((name) => [`${name}Streamed`, telling(name, STREAM)])),
    },
    components: {
      messages: Object.fromEntries(messages.map((name) => [name, message(name)])),
      schemas: {
        ...jsonSchemas({ ...named, RpcError, ...responses, ...notices, ...opening }, 'output', 'draft-07'),
        ...jsonSchemas({ ...named, ...requests }, 'input', 'draft-07'),
      },
    },
  };
}

const SOCKET = 'call-api';
const STREAM = 'events';

const allNotices: Readonly<Record<string, z.ZodType>> = {
  ...Object.fromEntries((Object.keys(methods) as Method[]).map((method) => [method, noticeOf(method)])),
  ...news,
};

function requestOf(name: string): z.ZodType {
  const params = asked[name] ?? z.object({});
  const needed = params.safeParse({}).success ? params.optional() : params;
  return z.object({
    jsonrpc: z.literal('2.0'),
    id: RpcId.optional(),
    method: z.literal(name),
    params: needed,
  });
}

function responseOf(name: string): z.ZodType {
  const result = answers[name as keyof typeof answers];
  const envelope = { jsonrpc: z.literal('2.0'), id: RpcId };
  return z.union([z.object({ ...envelope, result }), z.object({ ...envelope, error: RpcError })]);
}

function message(name: string): Message {
  return { name, title: name, contentType: 'application/json', payload: refTo(name) };
}

/** The service receives it, and replies on the same socket. */
function asking(name: string): object {
  const channel = ref(`channels/${SOCKET}`);
  return {
    action: 'receive',
    channel,
    summary: asked[name]?.meta()?.description ?? name,
    messages: [ref(`channels/${SOCKET}/messages/${name}Request`)],
    reply: { channel, messages: [ref(`channels/${SOCKET}/messages/${name}Response`)] },
  };
}

function telling(name: string, channel: string): object {
  return {
    action: 'send',
    channel: ref(`channels/${channel}`),
    messages: [ref(`channels/${channel}/messages/${name}`)],
  };
}

function placed(names: readonly string[]): Record<string, Ref> {
  return Object.fromEntries(names.map((name) => [name, ref(`components/messages/${name}`)]));
}

function closings(): string {
  const rows = Object.values(closeCodes).map(({ code, means }) => `- ${code}: ${means}`);
  return ['A message may be a batch: an array of these. The socket is closed with', '', ...rows].join('\n');
}

function ref(path: string): Ref {
  return { $ref: `#/${path}` };
}
