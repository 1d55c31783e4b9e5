/** The two ways to workerd that are compared, and what is sent on them. @module */
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { WebSocket } from 'ws';

/** Where to send: the port of the front, or the Unix socket of workerd. */
export type Target = { readonly port: number } | { readonly socketPath: string };

/** Sends one request, and resolves when it is answered. */
export type Operation = () => Promise<void>;

/** What is measured: a query that reads memory only, so that what is on the way to it counts. */
export interface Connection extends Disposable {
  /** On a connection that stays open. */
  readonly http: Operation;
  readonly webSocket: Operation;
}

/** Opens connections of a client. */
export async function openConnections(target: Target): Promise<Connection> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const origin = 'port' in target ? `ws://127.0.0.1:${target.port}` : `ws+unix:${target.socketPath}:`;
  const webSocket = new WebSocket(`${origin}/call-api`, { perMessageDeflate: false });
  await once(webSocket, 'open');
  const query = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'CallList', params: { limit: 1 } });
  return {
    http: async () => {
      const sent = request({ ...target, agent, path: '/v1/calls?limit=1' }).end();
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      if (response.statusCode !== 200) throw new Error(`GET /v1/calls: ${response.statusCode}`);
      response.resume();
      await once(response, 'end');
    },
    webSocket: async () => {
      webSocket.send(query);
      await once(webSocket, 'message');
    },
    [Symbol.dispose]: () => {
      agent.destroy();
      webSocket.terminate();
    },
  };
}
