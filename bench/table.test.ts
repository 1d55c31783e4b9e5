import { expect, test } from 'vitest';
import { table } from './table.ts';

test('figures stand to the right with their header, words to the left', () => {
  expect(
    table(
      ['what', 'ms', 'note'],
      [
        ['echo', '0.31', 'a'],
        ['durable relay', '12.00', 'longer'],
      ],
    ),
  ).toBe(
    [
      'what              ms  note',
      '-------------  -----  ------',
      'echo            0.31  a',
      'durable relay  12.00  longer',
      '',
    ].join('\n'),
  );
});

test('units, thousands and dashes count as figures', () => {
  expect(table(['n'], [['1,204'], ['0.5 ms'], ['1.25×'], ['-'], ['']])).toBe(
    ['     n', '------', ' 1,204', '0.5 ms', ' 1.25×', '     -', '', ''].join('\n'),
  );
});

test('no rows leave the header alone', () => expect(table(['a', 'b'], [])).toBe('a  b\n-  -\n'));
