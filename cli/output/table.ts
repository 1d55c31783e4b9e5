/** Formats values as columns of text, and removes control characters that a terminal would execute. @module */

export type Fields = Readonly<Record<string, unknown>>;

/** Returns a line with the names of the columns, and a line for each row. */
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

/** Returns a value on one line, without control characters: its text may come from other people. */
export function text(value: unknown): string {
  if (value === null || value === undefined) return '-';
  const plain =
    Array.isArray(value) && value.every((entry) => typeof entry === 'string')
      ? value.join(',') || '-'
      : typeof value === 'object'
        ? JSON.stringify(value)
        : String(value);
  return plain.replace(/\p{Cc}/gu, '?');
}
