/** Creates the AsyncAPI document (https://www.asyncapi.com/docs/reference): the messages of the WebSocket and of the event stream. @module */
import * as z from 'zod';
import { routes } from '../protocol/http/routes.ts';
import { commandNotificationSchema } from '../protocol/rpc/command-events.ts';
import { type CommandMethod, commandParams } from '../protocol/rpc/commands.ts';
import { ConnectQuery } from '../protocol/rpc/connect-query.ts';
import { closeCodes } from '../protocol/rpc/error-codes.ts';
import { notificationSchema, RpcError, RpcId } from '../protocol/rpc/jsonrpc.ts';
import { results } from '../protocol/rpc/results.ts';
import { siteNotifications } from '../protocol/rpc/site-notifications.ts';
import { apiInfo } from './api-info.ts';
import { type JsonSchema, jsonSchemas, refTo } from './json-schema.ts';
import { addSuffix, namedSchemas, paramSchemas } from './openrpc.ts';

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

/** Returns the document for a version of the service. */
export function createAsyncApi(version: string): AsyncApi {
  const methods = Object.keys(paramSchemas);
  const requests = Object.fromEntries(methods.map((method) => [`${method}Request`, requestSchema(method)]));
  const responses = Object.fromEntries(
    methods.map((method) => [`${method}Response`, responseSchema(method)]),
  );
  const notifications = addSuffix(notificationSchemas, 'Notification');
  // The event stream begins with this: the result of CallWatch.
  const snapshot = { CallsNotification: notificationSchema('Calls', results.CallWatch) };
  const socketNotifications = Object.keys(notifications);
  const streamMessages = [...socketNotifications, ...Object.keys(snapshot)];
  const socketMessages = [...Object.keys({ ...requests, ...responses }), ...socketNotifications];
  const allMessages = [...socketMessages, ...Object.keys(snapshot)];
  return {
    asyncapi: '3.0.0',
    info: { ...apiInfo, version },
    defaultContentType: 'application/json',
    channels: {
      [SOCKET]: {
        address: '/call-api',
        title: 'The WebSocket of a client',
        description: describeSocket(),
        messages: messageRefs(socketMessages),
        bindings: {
          ws: {
            method: 'GET',
            query: jsonSchemas({ ConnectQuery }, 'input', 'draft-07')['ConnectQuery'],
          },
        },
      },
      [STREAM]: {
        address: routes.events.path,
        title: 'Server-Sent Events',
        description: `${routes.events.description}. The \`data\` of each event is one of these messages, its \`id\` is the \`seq\``,
        messages: messageRefs(streamMessages),
      },
    },
    operations: {
      ...Object.fromEntries(methods.map((method) => [method, receiveOperation(method)])),
      ...Object.fromEntries(socketNotifications.map((name) => [name, sendOperation(name, SOCKET)])),
      ...Object.fromEntries(streamMessages.map((name) => [`${name}Streamed`, sendOperation(name, STREAM)])),
    },
    components: {
      messages: Object.fromEntries(allMessages.map((name) => [name, describeMessage(name)])),
      schemas: {
        ...jsonSchemas(
          { ...namedSchemas, RpcError, ...responses, ...notifications, ...snapshot },
          'output',
          'draft-07',
        ),
        ...jsonSchemas({ ...namedSchemas, ...requests }, 'input', 'draft-07'),
      },
    },
  };
}

const SOCKET = 'call-api';
const STREAM = 'events';

const notificationSchemas: Readonly<Record<string, z.ZodType>> = {
  ...Object.fromEntries(
    (Object.keys(commandParams) as CommandMethod[]).map((method) => [
      method,
      commandNotificationSchema(method),
    ]),
  ),
  ...siteNotifications,
};

function requestSchema(method: string): z.ZodType {
  const params = paramSchemas[method] ?? z.object({});
  return z.object({
    jsonrpc: z.literal('2.0'),
    id: RpcId.optional(),
    method: z.literal(method),
    params: params.safeParse({}).success ? params.optional() : params,
  });
}

function responseSchema(method: string): z.ZodType {
  const result = results[method as keyof typeof results];
  const envelope = { jsonrpc: z.literal('2.0'), id: RpcId };
  return z.union([z.object({ ...envelope, result }), z.object({ ...envelope, error: RpcError })]);
}

function describeMessage(name: string): Message {
  return { name, title: name, contentType: 'application/json', payload: refTo(name) };
}

/** The service receives a request and responds on the same socket. */
function receiveOperation(method: string): object {
  const channel = ref(`channels/${SOCKET}`);
  return {
    action: 'receive',
    channel,
    summary: paramSchemas[method]?.description ?? method,
    messages: [ref(`channels/${SOCKET}/messages/${method}Request`)],
    reply: { channel, messages: [ref(`channels/${SOCKET}/messages/${method}Response`)] },
  };
}

function sendOperation(name: string, channel: string): object {
  return {
    action: 'send',
    channel: ref(`channels/${channel}`),
    messages: [ref(`channels/${channel}/messages/${name}`)],
  };
}

function messageRefs(names: readonly string[]): Record<string, Ref> {
  return Object.fromEntries(names.map((name) => [name, ref(`components/messages/${name}`)]));
}

function describeSocket(): string {
  const rows = Object.values(closeCodes).map(({ code, description }) => `- ${code}: ${description}`);
  return [
    'A message may be a batch, which is an array of these messages. The socket is closed with these codes:',
    '',
    ...rows,
  ].join('\n');
}

function ref(path: string): Ref {
  return { $ref: `#/${path}` };
}
