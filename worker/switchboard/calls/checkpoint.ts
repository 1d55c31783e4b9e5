/**
 * A checkpoint has all active calls as memory has them, and where the ended ones are, so that a restore reads the log only from there on.
 * Pure.
 * @module
 */

/**
 * An active call; `text` is that of {@link packCall}, or empty if the call is only in the row of the log at `position`. `listedAs` is that
 * of `CallRecord`.
 */
export type CheckpointCall = readonly [
  callid: string,
  firstSeq: number,
  position: number,
  isCounted: boolean,
  text: string,
  listedAs: number,
  adapter?: string,
];

export interface Checkpoint {
  /** See `EndedCalls.numbers`. */
  readonly ended: readonly number[];
  /** In the order of the rows that have their newest lines. */
  readonly calls: Iterable<CheckpointCall>;
}

/** Characters at which a row of calls is full. One more call has at most 13,000: the row stays below 1 MB, with three bytes a character. */
const MAX_ROW_CHARACTERS = 250_000;

/** Returns the rows of a checkpoint. The first one, with up to 11,000 ended calls, has some 400,000 characters of one byte. */
export function checkpointRows({ ended, calls }: Checkpoint): string[] {
  const rows = [JSON.stringify(ended)];
  let texts: string[] = [];
  let characters = 0;
  for (const call of calls) {
    const text = JSON.stringify(call);
    texts.push(text);
    characters += text.length;
    if (characters < MAX_ROW_CHARACTERS) continue;
    rows.push(`[${texts.join()}]`);
    texts = [];
    characters = 0;
  }
  if (texts.length > 0) rows.push(`[${texts.join()}]`);
  return rows;
}

/** Returns the checkpoint of rows from {@link checkpointRows}; an empty one of no rows. */
export function checkpointOf([ended = '[]', ...rows]: readonly string[]): Checkpoint {
  const calls = rows.flatMap((row) => JSON.parse(row) as CheckpointCall[]);
  return { ended: JSON.parse(ended) as number[], calls };
}
