/** Text in columns for people, and nothing in it that a terminal would obey. Pure. @module */

export type Fields = Readonly<Record<string, unknown>>;

/** A line for each row, below one with the names of the columns. */
export function table(rows: readonly Fields[], columns: readonly string[]): string {
  const cells = [columns, ...rows.map((row) => columns.map((column) => text(row[column])))];
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => line[at]?.length ?? 0)));
  return cells
    .map(
      (line) =>
        `${line
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** On one line, and without control characters: others choose what stands there. */
export function text(value: unknown): string {
  if (value === null || value === undefined) return '-';
  const plain =
    Array.isArray(value) && value.every((each) => typeof each === 'string')
      ? value.join(',') || '-'
      : typeof value === 'object'
        ? JSON.stringify(value)
        : String(value);
  return plain.replace(/\p{Cc}/gu, '?');
}
