/** Formats Markdown tables. @module */

/** Returns a table. A first cell equal to the one above it is left empty. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const shown = rows.map(([first = '', ...rest], index) => [
    rows[index - 1]?.[0] === first ? '' : first,
    ...rest,
  ]);
  return [header, header.map(() => '---'), ...shown].map(tableRow).join('\n');
}

function tableRow(cells: readonly string[]): string {
  const isRule = cells.every((cell) => cell === '---');
  if (isRule) return `|${cells.join('|')}|`;
  const padded = cells.map((cell) => (cell === '' ? ' ' : ` ${cell.replaceAll('|', '\\|')} `));
  // The hand-written part of the pages uses straight apostrophes.
  return `|${padded.join('|')}|`.replaceAll('’', "'");
}

/** Formats names as code: `a`, `b`. */
export function codeList(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

/** Groups entries by a key, in the order of each group's first entry. */
export function groupByKey<T>(entries: readonly T[], keyOf: (entry: T) => string): T[][] {
  return [...Map.groupBy(entries, keyOf).values()];
}
