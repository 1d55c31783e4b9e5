/** What this project is held against: a datagram there and back, an object that echoes, and the least relays. @module */
import { Mi } from '../mi.ts';
import type { Contender, Layout } from '../speed/contender.ts';
import type { World } from '../speed/world.ts';
import { Line } from './line.ts';

/** The one that all others are held against. */
export const DURABLE_RELAY = 'durable relay';

const MODES = { 'object echo': 'echo', 'bare relay': 'bare', [DURABLE_RELAY]: 'durable' } as const;

/** Opens their sockets, which `opened` closes. */
export async function floorContenders(
  world: World,
  layout: Layout,
  opened: AsyncDisposableStack,
): Promise<Contender[]> {
  const peers: Mi[] = [];
  for (const address of world.mi) peers.push(opened.use(await Mi.connect(address)));
  const contenders = [contender('UDP', peers, (peer) => peer.ask('version'))];
  for (const [name, mode] of Object.entries(MODES)) {
    const lines: Line[] = [];
    for (let socket = 0; socket < layout.sockets; socket++) {
      const url = `${world.floor}/${mode}/${socket % layout.tenants}/client`;
      lines.push(opened.use(await Line.connect(url, String(socket))));
    }
    contenders.push(contender(name, lines, (line) => line.ask()));
  }
  return contenders;
}

function contender<T>(name: string, sockets: readonly T[], ask: (socket: T) => Promise<unknown>): Contender {
  return {
    name,
    async prepare() {
      // An object that has slept since the last round is awake then.
      await Promise.all(sockets.map(ask));
      return {
        run: (k) => {
          const socket = sockets[k % sockets.length];
          return socket === undefined ? Promise.reject(new Error('no socket')) : ask(socket);
        },
        clear: async () => {},
      };
    },
  };
}
