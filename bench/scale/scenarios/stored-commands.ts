/** Does a command cost more after many commands have been run and stored? @module */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { memoryUsage } from '../../process-usage.ts';
import { table } from '../../table.ts';
import { callCosts, echoCosts, type MeasureCosts } from '../command-cost.ts';
import { compareCosts } from '../comparison.ts';
import { ScaleHarness, type StorageStats } from '../harness/harness.ts';
import { costTable, costTarget, formatCount, formatMegabytes, type ScenarioResult } from '../report.ts';

/** Commands run before each measurement. */
export const DEFAULT_SIZES = [10_000, 100_000, 1_000_000];

/** Commands per frame, and sockets that send them concurrently, with one frame in flight on each. */
const COMMANDS_PER_FRAME = 100;
const SOCKETS = 8;

/** Compares an object that has run nothing with one that has run `sizes` commands, on the same workerd. */
export async function measure(sizes: readonly number[], rounds: number): Promise<ScenarioResult> {
  await using harness = await ScaleHarness.start({ sites: 2 });
  const measurementOf = async (site: number): Promise<MeasureCosts> => {
    const client = await harness.client(site);
    return async () => ({ ...(await echoCosts(client)), ...(await callCosts(client, harness.edge)) });
  };
  const [unloaded, loaded] = [await measurementOf(0), await measurementOf(1)];
  await compareCosts(unloaded, loaded, 1);

  const results = [];
  let commandsRun = 0;
  for (const size of [0, ...sizes]) {
    const start = performance.now();
    await runCommands(harness.url('call-api', 1), size - commandsRun);
    const perSecond = (size - commandsRun) / ((performance.now() - start) / 1000);
    commandsRun = Math.max(commandsRun, size);
    const storage = await harness.storageStats(1);
    const resumeMs = await measureResume(
      harness.url('call-api', 1, `&session=back&since=${storage.firstPosition}`),
    );
    const { rssMb } = memoryUsage(harness.edge);
    const comparisons = await compareCosts(unloaded, loaded, rounds);
    const storageAfter = await harness.storageStats(1);
    results.push({ size, comparisons, perSecond, resumeMs, storage, storageAfter, rssMb });
  }
  const rows = results.map(({ size, perSecond, resumeMs, storage, storageAfter, rssMb }) => [
    formatCount(size),
    size === 0 ? '-' : formatCount(Math.round(perSecond)),
    formatCount(storage.endedCommands),
    formatCount(storageAfter.endedCommands),
    formatCount(storage.rows),
    String(storage.segments),
    formatMegabytes(storage.bytes / 2 ** 20),
    bytesPerCommand(storage),
    `${resumeMs.toFixed(1)} ms`,
    formatMegabytes(rssMb),
  ]);
  const header = [
    'commands run',
    'run per second',
    'stored',
    'stored after calls',
    'rows',
    'segments',
    'on disk',
    'bytes per command',
    'to resume a session',
    'workerd',
  ];
  return {
    tables: [costTable('commands run', results), table(header, rows)],
    targets: [costTarget('commands run before', results)],
    measurements: results,
  };
}

function bytesPerCommand({ bytes, endedCommands }: StorageStats): string {
  return endedCommands === 0 ? '-' : formatCount(Math.round(bytes / endedCommands));
}

/** Runs commands that fail at once as fast as possible: CallEnds of a call that does not exist. */
async function runCommands(url: string, commands: number): Promise<void> {
  const request = { jsonrpc: '2.0', id: 1, method: 'CallEnd', params: { callid: 'none' } };
  let remaining = commands;
  const worker = async () => {
    const socket = new WebSocket(`${url}&ack=1`, { perMessageDeflate: false });
    await once(socket, 'open');
    socket.on('message', (bytes: Buffer) => acknowledge(socket, bytes));
    while (remaining > 0) {
      const batch = Math.min(COMMANDS_PER_FRAME, remaining);
      remaining -= batch;
      await runFrame(socket, JSON.stringify(Array(batch).fill(request)), batch);
    }
    socket.terminate();
  };
  if (commands > 0) await Promise.all(Array.from({ length: SOCKETS }, worker));
}

/** Sends a frame and waits until its commands have ended. Searches the text, because parsing would be the bottleneck. */
function runFrame(socket: WebSocket, frame: string, commands: number): Promise<void> {
  let remaining = commands;
  return new Promise((resolve, reject) => {
    const onMessage = (bytes: Buffer) => {
      if (!bytes.includes('"event":"Ended"')) return;
      remaining--;
      if (remaining > 0) return;
      socket.off('message', onMessage);
      socket.off('close', onClose);
      resolve();
    };
    const onClose = (code: number, reason: Buffer) =>
      reject(
        new Error(`the socket closed (${code} ${reason}) with ${remaining} of ${commands} commands running`),
      );
    socket.on('message', onMessage);
    socket.on('close', onClose);
    socket.send(frame);
  });
}

/** Proves that the bytes were read: more are sent in a second than a client is assumed to read. */
function acknowledge(socket: WebSocket, bytes: Buffer): void {
  if (bytes.includes('"method":"Acknowledge"')) socket.send(bytes.toString());
}

/**
 * Returns the milliseconds from connecting to the first message of a session that resumes from the oldest stored
 * notification. The object does nothing else in that time.
 */
async function measureResume(url: string): Promise<number> {
  const start = performance.now();
  const socket = new WebSocket(url, { perMessageDeflate: false });
  socket.once('open', () => socket.send('{"jsonrpc":"2.0","id":1,"method":"Echo","params":{}}'));
  await once(socket, 'message');
  socket.terminate();
  return performance.now() - start;
}
