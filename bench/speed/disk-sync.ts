/** Measures how long the disk below the objects' storage takes to sync. @module */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../statistics.ts';

/** Enough for a stable median. On a slow disk they take half a second. */
const REPETITIONS = 50;
/** The page size of SQLite. */
const PAGE = Buffer.alloc(4096);

/** Returns the median milliseconds to sync one page: the minimum duration of every write transaction of an object. */
export async function measureDiskSyncMs(parent = tmpdir()): Promise<number> {
  const directory = await mkdtemp(join(parent, 'call-api-bench-'));
  const file = await open(join(directory, 'page'), 'w');
  const durationsMs: number[] = [];
  try {
    for (let repetition = 0; repetition < REPETITIONS; repetition++) {
      const start = performance.now();
      await file.write(PAGE);
      await file.datasync();
      durationsMs.push(performance.now() - start);
    }
  } finally {
    await file.close();
    await rm(directory, { recursive: true });
  }
  return median(durationsMs);
}
