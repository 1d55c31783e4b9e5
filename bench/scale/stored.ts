/** Does a command cost more where many have been run and are stored? @module */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { table } from '../table.ts';
import { compare } from './compare.ts';
import { callCosts, echoCosts, type Measure } from './cost.ts';
import { costTable, costVerdict, count, megabytes, type Outcome } from './outcome.ts';
import { footprint } from './processes.ts';
import { type Kept, Stage } from './stage.ts';

/** Commands run before each measurement. */
export const SIZES = [10_000, 100_000, 1_000_000];

/** Commands to a frame, and sockets that send them at once, one frame in flight on each. */
const BATCH = 100;
const SOCKETS = 8;

/** An object that has run nothing stands beside one that has run `sizes` commands, on the same workerd. */
export async function stored(sizes: readonly number[], rounds: number): Promise<Outcome> {
  await using stage = await Stage.open({ sites: 2 });
  const measureAt = async (site: number): Promise<Measure> => {
    const client = await stage.client(site);
    return async () => ({ ...(await echoCosts(client)), ...(await callCosts(client, stage.edge)) });
  };
  const [alone, loaded] = [await measureAt(0), await measureAt(1)];
  await compare(alone, loaded, 1);

  const all = [];
  let run = 0;
  for (const size of [0, ...sizes]) {
    const begun = performance.now();
    await runEchoes(stage.url('call-api', 1), size - run);
    const rate = (size - run) / ((performance.now() - begun) / 1000);
    run = Math.max(run, size);
    const kept = await stage.kept(1);
    const resumed = await resume(stage.url('call-api', 1, `&session=back&since=${kept.first}`));
    const { rss } = footprint(stage.edge);
    const costs = await compare(alone, loaded, rounds);
    const keptAfter = await stage.kept(1);
    all.push({ size, costs, rate, resumed, kept, keptAfter, rss });
  }
  const rows = all.map(({ size, rate, resumed, kept, keptAfter, rss }) => [
    count(size),
    size === 0 ? '-' : count(Math.round(rate)),
    count(kept.ended),
    count(keptAfter.ended),
    count(kept.rows),
    String(kept.segments),
    megabytes(kept.bytes / 2 ** 20),
    perCommand(kept),
    `${resumed.toFixed(1)} ms`,
    megabytes(rss),
  ]);
  const header = [
    'run',
    'run a second',
    'kept',
    'and after calls',
    'rows',
    'segments',
    'on disk',
    'bytes to a command',
    'to resume a session',
    'workerd',
  ];
  return {
    tables: [costTable('run before', all), table(header, rows)],
    verdicts: [costVerdict('run before', all)],
    figures: all,
  };
}

function perCommand({ bytes, ended }: Kept): string {
  return ended === 0 ? '-' : count(Math.round(bytes / ended));
}

/** Runs so many Echoes, really and as fast as they go. */
async function runEchoes(url: string, commands: number): Promise<void> {
  const request = { jsonrpc: '2.0', id: 1, method: 'Echo', params: {} };
  let left = commands;
  const lane = async () => {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, 'open');
    while (left > 0) {
      const batch = Math.min(BATCH, left);
      left -= batch;
      await ended(socket, JSON.stringify(Array(batch).fill(request)), batch);
    }
    socket.terminate();
  };
  if (commands > 0) await Promise.all(Array.from({ length: SOCKETS }, lane));
}

/** Sends a frame and waits until so many commands have ended. Searched as text: parsing would be the bottleneck. */
function ended(socket: WebSocket, frame: string, commands: number): Promise<void> {
  let left = commands;
  return new Promise((resolve, reject) => {
    const hear = (data: Buffer) => {
      if (!data.includes('"event":"Ended"')) return;
      left--;
      if (left > 0) return;
      socket.off('message', hear);
      socket.off('close', gone);
      resolve();
    };
    const gone = () => reject(new Error('the socket closed while commands ran'));
    socket.on('message', hear);
    socket.on('close', gone);
    socket.send(frame);
  });
}

/**
 * How long a session waits that comes back for all that was told and is kept, in milliseconds: until the first thing
 * that it hears. The object does nothing else meanwhile.
 */
async function resume(url: string): Promise<number> {
  const begun = performance.now();
  const socket = new WebSocket(url, { perMessageDeflate: false });
  socket.once('open', () => socket.send('{"jsonrpc":"2.0","id":1,"method":"Echo","params":{}}'));
  await once(socket, 'message');
  socket.terminate();
  return performance.now() - begun;
}
