/** Tables of Markdown. @module */

/** A table; what repeats the row above it is left out in the first column. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const shown = rows.map(([first = '', ...rest], at) => [rows[at - 1]?.[0] === first ? '' : first, ...rest]);
  return [head, head.map(() => '---'), ...shown].map(line).join('\n');
}

function line(cells: readonly string[]): string {
  const isRule = cells.every((cell) => cell === '---');
  if (isRule) return `|${cells.join('|')}|`;
  const shown = cells.map((cell) => (cell === '' ? ' ' : ` ${cell.replaceAll('|', '\\|')} `));
  // As the pages are written by hand.
  return `|${shown.join('|')}|`.replaceAll('’', "'");
}

/** Names as code: `a`, `b`. */
export function names(all: readonly string[]): string {
  return all.map((name) => `\`${name}\``).join(', ');
}

/** Those that stand together because the same is said of each, in the order of their first. */
export function grouped<T>(all: readonly T[], by: (each: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const each of all) groups.set(by(each), [...(groups.get(by(each)) ?? []), each]);
  return [...groups.values()];
}
