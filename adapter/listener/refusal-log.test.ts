import { expect, it } from 'vitest';
import { RefusalLog } from './refusal-log.ts';

/** Returns a log, and the fields of its lines. */
function createLog() {
  const lines: object[] = [];
  const log = new RefusalLog({ warn: (fields: object) => void lines.push(fields) } as ConstructorParameters<
    typeof RefusalLog
  >[0]);
  return { log, lines };
}

it('logs each reason at once, and then once a minute with the number of the others', () => {
  const { log, lines } = createLog();
  for (let n = 0; n < 1_000; n += 1) log.record({ refused: 'no-token' }, '192.0.2.1', n);
  log.record({ refused: 'expired', detail: 'd' }, '192.0.2.2', 1_000);
  log.record({ refused: 'no-token' }, '192.0.2.3', 60_000);
  log.record({ refused: 'no-token' }, '192.0.2.4', 120_000);
  expect(lines).toEqual([
    { source: '192.0.2.1', refused: 'no-token' },
    { source: '192.0.2.2', refused: 'expired', detail: 'd' },
    { source: '192.0.2.3', refused: 'no-token', others_before: 999 },
    { source: '192.0.2.4', refused: 'no-token' },
  ]);
});
