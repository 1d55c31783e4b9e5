import { expect, it } from 'vitest';
import { readPlan } from './plan.ts';

it('runs all combinations of the lists', () => {
  const plan = readPlan([
    '--delay',
    '10,30',
    '--rate',
    '50',
    '--watchers',
    '0,1',
    '--seconds',
    '5',
    '--loss',
    '0',
  ]);
  expect(plan).toMatchObject({ seconds: 5, loss: 0, repeat: 1 });
  expect(plan?.runs.map(({ delayMs, rate, others, watchers }) => [delayMs, rate, others, watchers])).toEqual([
    [10, 50, 0, 0],
    [10, 50, 0, 1],
    [30, 50, 0, 0],
    [30, 50, 0, 1],
  ]);
});

it('has every delay, rate and number of watchers that the targets name in its default set', () => {
  const runs = readPlan([])?.runs ?? [];
  const valuesOf = (name: 'delayMs' | 'rate' | 'others' | 'watchers') =>
    [...new Set(runs.map((run) => run[name]))].sort((a, b) => a - b);
  expect(valuesOf('delayMs')).toEqual([10, 30, 80, 150]);
  expect(valuesOf('rate')).toEqual([0, 1, 20, 50, 100, 150]);
  expect(valuesOf('others')).toEqual([0, 50]);
  expect(valuesOf('watchers')).toEqual([0, 1, 100]);
});

it('has standing calls with each delay', () =>
  expect(readPlan(['--standing', '5000,20000', '--delay', '80'])?.standing).toEqual([
    { calls: 5_000, delayMs: 80 },
    { calls: 20_000, delayMs: 80 },
  ]));

it.each([
  [['--delay', '30,x'], '--delay: "x" is not a number of at least 0. Use one such as 30.'],
  [['--rate', '-1'], /--rate/],
  [['--seconds', ''], /--seconds: "" is not a number/],
])('rejects %j', (args, message) => expect(() => readPlan(args)).toThrow(message));
