/** A promise of the client, and how it is shown. @module */
import { type CallApi, type ConnectOptions, connect } from '../../index.ts';
import { ScriptedEdge } from '../scripted-edge.ts';

export interface Shown {
  readonly name: string;
  /** @param host of the fake server */
  readonly show: (host: string) => Promise<void>;
}

/** What a test has: an edge that it speaks for, and a way to connect to it. */
export interface World {
  readonly edge: ScriptedEdge;
  /** A client of the edge; closed when the test is over. */
  client(options?: Partial<ConnectOptions>): CallApi;
}

/** A promise that is shown by what `show` does without throwing. */
export function promise(name: string, show: (world: World) => Promise<void>): Shown {
  return {
    name,
    async show(host) {
      const edge = await ScriptedEdge.open(host);
      const clients: CallApi[] = [];
      const client = (options: Partial<ConnectOptions> = {}) => {
        const api = connect({ url: edge.url, ...options });
        clients.push(api);
        return api;
      };
      try {
        await show({ edge, client });
      } finally {
        for (const api of clients) api.close();
        edge.close();
      }
    },
  };
}
