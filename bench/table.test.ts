import { expect, test } from 'vitest';
import { table } from './table.ts';

test('aligns numbers with their header to the right and text to the left', () => {
  expect(
    table(
      ['benchmark', 'ms', 'note'],
      [
        ['echo', '0.31', 'a'],
        ['durable relay', '12.00', 'longer'],
      ],
    ),
  ).toBe(
    [
      'benchmark         ms  note',
      '-------------  -----  ------',
      'echo            0.31  a',
      'durable relay  12.00  longer',
      '',
    ].join('\n'),
  );
});

test('treats units, thousands separators and dashes as numeric', () => {
  expect(table(['n'], [['1,204'], ['0.5 ms'], ['1.25×'], ['-'], ['']])).toBe(
    ['     n', '------', ' 1,204', '0.5 ms', ' 1.25×', '     -', '', ''].join('\n'),
  );
});

test('prints only the header if there are no rows', () => expect(table(['a', 'b'], [])).toBe('a  b\n-  -\n'));
