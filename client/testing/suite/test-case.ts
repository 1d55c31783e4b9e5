/** A test of the client that runs in any runtime. @module */
import { type CallApi, type ConnectOptions, connect } from '../../index.ts';
import { ScriptedEdge } from '../scripted-edge.ts';

export interface TestCase {
  readonly name: string;
  /**
   * Rejects if the test fails.
   * @param host of the fake server
   */
  readonly run: (host: string) => Promise<void>;
}

export interface Fixture {
  /** The edge that the test plays. */
  readonly edge: ScriptedEdge;
  /** Returns a client of the edge. It is closed after the test. */
  client(options?: Partial<ConnectOptions>): CallApi;
}

export function testCase(name: string, body: (fixture: Fixture) => Promise<void>): TestCase {
  return {
    name,
    async run(host) {
      const edge = await ScriptedEdge.open(host);
      const clients: CallApi[] = [];
      const client = (options: Partial<ConnectOptions> = {}) => {
        const api = connect({ url: edge.url, ...options });
        clients.push(api);
        return api;
      };
      try {
        await body({ edge, client });
      } finally {
        for (const api of clients) api.close();
        edge.close();
      }
    },
  };
}
