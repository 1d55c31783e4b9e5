/** Figures as lines of text. @module */

/** A cell that is a figure, with or without its unit: `12`, `1,204`, `-0.3 ms`, `1.25 x`, `98 %`, or a dash for none. */
const FIGURE = /^(?:[-+]?[\d,]+(?:\.\d+)?(?: ?[a-zA-Z%×/µ]+)?|[-–])$/;

/**
 * The header, a rule and the rows, in columns two spaces apart and ended by a line feed. A column of figures stands
 * to the right, header and all; any other to the left. A row may be short; cells beyond the header are left out.
 */
export function table(header: string[], rows: string[][]): string {
  const columns = header.map((name, column) => {
    const cells = rows.map((row) => row[column] ?? '');
    const filled = cells.filter((cell) => cell !== '');
    const right = filled.length > 0 && filled.every((cell) => FIGURE.test(cell));
    const width = Math.max(...[name, ...cells].map((cell) => cell.length));
    const set = (cell: string) => (right ? cell.padStart(width) : cell.padEnd(width));
    return [set(name), '-'.repeat(width), ...cells.map(set)];
  });
  const lines = Array.from({ length: rows.length + 2 }, (_, line) =>
    columns
      .map((column) => column[line] ?? '')
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}
