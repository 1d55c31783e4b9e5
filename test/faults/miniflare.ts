/**
 * The edge on miniflare instead of bare workerd: the same Worker on the same platform, and with a hand in it that
 * puts objects to sleep.
 * @module
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Evict, Said } from './miniflare-process.ts';
import type { Edge } from './world.ts';

/** It is out of memory already, as after an abort; or something holds it there, as a socket that stalls does. */
const NOT_NOW = /not currently running|still has active references/;

export async function startMiniflare(key: string): Promise<Edge> {
  const child = fork(join(import.meta.dirname, 'miniflare-process.ts'), {
    env: { ...process.env, ADAPTER_KEY: key },
  });
  const waiting = new Map<number, (refusal: string | undefined) => void>();
  const port = await new Promise<number>((serves, failed) => {
    child.once('exit', (code) => failed(new Error(`miniflare has ended with ${code}`)));
    child.on('message', (said: Said) => {
      if ('port' in said) serves(said.port);
      else waiting.get(said.n)?.(said.refusal);
    });
  });
  let asked = 0;
  return {
    port,
    async evict(webSockets) {
      const evict: Evict = { n: ++asked, webSockets };
      child.send(evict);
      const refusal = await new Promise<string | undefined>((resolve) => waiting.set(evict.n, resolve));
      waiting.delete(evict.n);
      if (refusal === undefined) return undefined;
      const [why] = NOT_NOW.exec(refusal) ?? [];
      if (why === undefined) throw new Error(refusal);
      return why;
    },
    killAndStart: () => Promise.reject(new Error('miniflare keeps its workerd to itself')),
    async stop() {
      child.disconnect();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
