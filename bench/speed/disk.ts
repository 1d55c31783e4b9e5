/** What the objects' storage stands on. @module */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../statistics.ts';

/** Enough for a steady median; on a slow disk half a second. */
const TIMES = 50;
/** A page of SQLite. */
const PAGE = Buffer.alloc(4096);

/** Median milliseconds until a page is on disk: every turn of an object that writes waits so long at least. */
export async function syncMs(within = tmpdir()): Promise<number> {
  const folder = await mkdtemp(join(within, 'call-api-bench-'));
  const file = await open(join(folder, 'page'), 'w');
  const took: number[] = [];
  try {
    for (let time = 0; time < TIMES; time++) {
      const from = performance.now();
      await file.write(PAGE);
      await file.datasync();
      took.push(performance.now() - from);
    }
  } finally {
    await file.close();
    await rm(folder, { recursive: true });
  }
  return median(took);
}
