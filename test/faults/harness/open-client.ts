/** Opens the client of a fault run. @module */
import { WebSocket as WsSocket } from 'ws';
import { startChromiumDriver } from './chromium-driver.ts';
import type { FaultClient } from './fault-client.ts';
import type { FaultHarness } from './harness.ts';
import { ShippedClient } from './shipped-client.ts';

/** `bare` is the client of these tests, which checks every frame; the others are the shipped one. */
export const CLIENT_KINDS = ['shipped', 'chromium', 'bare'] as const;
export type ClientKind = (typeof CLIENT_KINDS)[number];

/** Opens a client that connects through the proxy. It is closed with the harness. */
export async function openFaultClient(
  kind: ClientKind,
  harness: FaultHarness,
  session: string,
  seed: number,
): Promise<FaultClient> {
  const { clientUrl: url } = harness;
  if (kind === 'bare') return harness.openClient(session);
  const client =
    kind === 'shipped'
      ? // Those who use the package on Node 20 need the WebSocket of `ws`.
        ShippedClient.start({ url, session, ...(seed % 3 === 0 ? { WebSocket: WsSocket } : {}) })
      : await ShippedClient.startWith((report, onError) =>
          startChromiumDriver(url, session, report, onError),
        );
  return harness.closeAtEnd(client);
}
