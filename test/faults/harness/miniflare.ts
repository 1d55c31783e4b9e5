/**
 * The edge on miniflare instead of bare workerd: the same Worker on the same platform, with eviction of objects.
 * @module
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { DemoVariables, Edge } from './linked-edge.ts';
import type { EvictRequest, ProcessMessage } from './miniflare-process.ts';

/** The object is not in memory, as after an abort, or something keeps it there, such as a stalled socket. */
const EXPECTED_REFUSAL = /not currently running|still has active references/;

export async function startMiniflare(variables: DemoVariables): Promise<Edge> {
  const child = fork(join(import.meta.dirname, 'miniflare-process.ts'), {
    env: { ...process.env, ...variables },
  });
  const pending = new Map<number, (refusal: string | undefined) => void>();
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`miniflare exited with ${code}`)));
    child.on('message', (message: ProcessMessage) => {
      if ('port' in message) resolve(message.port);
      else pending.get(message.n)?.(message.refusal);
    });
  });
  let lastRequest = 0;
  return {
    port,
    async evict(webSockets) {
      const request: EvictRequest = { n: ++lastRequest, webSockets };
      child.send(request);
      const refusal = await new Promise<string | undefined>((resolve) => pending.set(request.n, resolve));
      pending.delete(request.n);
      if (refusal === undefined) return undefined;
      const [reason] = EXPECTED_REFUSAL.exec(refusal) ?? [];
      if (reason === undefined) throw new Error(refusal);
      return reason;
    },
    killAndRestart: () => Promise.reject(new Error('miniflare does not expose its workerd process')),
    async stop() {
      child.disconnect();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
