/** Every command ends at the first Ctrl-C or SIGTERM with 130, wherever it is: here it waits for somebody who is silent. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, expect, it } from 'vitest';
import { waitUntil } from '../harness/stack.ts';
import { COMMAND_LINES, isEdgeOnly, LOCAL_COMMANDS } from './command-lines.ts';
import { start } from './run.ts';

/** Who takes connections or datagrams, and never answers. Each process has one of its own. */
interface Silence {
  readonly env: Readonly<Record<string, string>>;
  readonly isReached: () => boolean;
  close(): void;
}

const silences: Silence[] = [];
afterAll(() => {
  for (const silence of silences) silence.close();
});

async function silentEdge(): Promise<Silence> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    // Only once the request is there does the process wait for the response.
    socket.once('data', () => sockets.push(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const silence: Silence = {
    env: {
      CALL_API: url,
      CALL_API_TOKEN: 'key',
      EDGE_URL: url,
      ADMIN_SECRET: 'secret',
      CALL_API_TIMEOUT: '600',
    },
    isReached: () => sockets.length > 0,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
  silences.push(silence);
  return silence;
}

async function silentOpenSips(): Promise<Silence> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  let isReached = false;
  socket.on('message', () => {
    isReached = true;
  });
  await once(socket, 'listening');
  const silence: Silence = {
    env: { CALL_API_DIRECT: `127.0.0.1:${socket.address().port}`, CALL_API_TIMEOUT: '600' },
    isReached: () => isReached,
    close: () => void socket.close(),
  };
  silences.push(silence);
  return silence;
}

/** Runs a command twice, and returns how it ended at each signal. */
function exitsAfterSignals(args: readonly string[], open: () => Promise<Silence>): Promise<unknown[]> {
  return Promise.all(
    (['SIGINT', 'SIGTERM'] as const).map(async (signal) => {
      const silence = await open();
      const running = start(args, silence.env);
      await waitUntil(silence.isReached);
      running.interrupt(signal);
      return (await running.exited).exit;
    }),
  );
}

const remote = COMMAND_LINES.filter(([name]) => !LOCAL_COMMANDS.includes(name));
it.each(remote)('%s ends while it waits for the edge', async (_, args) => {
  expect(await exitsAfterSignals(args, silentEdge)).toEqual([130, 130]);
});

it.each(remote.filter(([name]) => !isEdgeOnly(name)))(
  '%s ends while it waits for OpenSIPS',
  async (_, args) => {
    expect(await exitsAfterSignals(args, silentOpenSips)).toEqual([130, 130]);
  },
);
