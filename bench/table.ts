/** Formats rows of cells as a plain-text table. @module */

/** A numeric cell with or without a unit: `12`, `1,204`, `-0.3 ms`, `1.25 x`, `98 %`, or a dash for no value. */
const NUMERIC_CELL = /^(?:[-+]?[\d,]+(?:\.\d+)?(?: ?[a-zA-Z%×/µ]+)?|[-–])$/;

/**
 * Returns the header, a rule and the rows, in columns two spaces apart, each line ended by a line feed. Numeric
 * columns and their headers are right-aligned, all others left-aligned. Missing cells are empty; cells beyond the
 * header are dropped.
 */
export function table(header: string[], rows: string[][]): string {
  const columns = header.map((name, column) => {
    const cells = rows.map((row) => row[column] ?? '');
    const filled = cells.filter((cell) => cell !== '');
    const isNumeric = filled.length > 0 && filled.every((cell) => NUMERIC_CELL.test(cell));
    const width = Math.max(...[name, ...cells].map((cell) => cell.length));
    const align = (cell: string) => (isNumeric ? cell.padStart(width) : cell.padEnd(width));
    return [align(name), '-'.repeat(width), ...cells.map(align)];
  });
  const lines = Array.from({ length: rows.length + 2 }, (_, line) =>
    columns
      .map((column) => column[line] ?? '')
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}
