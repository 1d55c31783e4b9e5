import { expect, test } from 'vitest';
import { type Plan, parsePlan } from './plan.ts';

function plan(...args: string[]): Plan {
  const parsed = parsePlan(args);
  if (parsed === 'help') throw new Error('unexpected help');
  return parsed;
}

test('without options, measures the workloads that have targets in the configurations of these targets', () => {
  expect(plan().steps).toEqual([
    { configuration: { inFlight: 1, sockets: 1, tenants: 1 }, workloads: ['CallEnd', 'CallStart'] },
    { configuration: { inFlight: 64, sockets: 1, tenants: 1 }, workloads: ['CallEnd', 'CallHold'] },
  ]);
});

test('--all measures the whole matrix, with at least one socket for each tenant', () => {
  const { steps } = plan('--all');
  expect(steps).toHaveLength(16);
  const combinations = steps.map(({ configuration: { tenants, sockets } }) => `${tenants} ${sockets}`);
  expect(combinations).toContain('50 50');
  expect(steps.every(({ workloads }) => workloads.length === 5)).toBe(true);
});

test('lists select workloads and numbers in flight', () => {
  const { steps, rounds, limits } = plan(
    '--workloads',
    'mix',
    '--in-flight',
    '8,9',
    '--rounds',
    '2',
    '--count',
    '5',
  );
  expect(steps.map(({ configuration }) => configuration.inFlight)).toEqual([8, 9]);
  expect(steps[0]?.workloads).toEqual(['mix']);
  expect([rounds, limits(1).count, limits(64).count]).toEqual([2, 5, 5]);
});

test('rejects invalid options with a message', () => {
  expect(() => plan('--workloads', 'CallBack')).toThrow('unknown workload CallBack');
  expect(() => plan('--in-flight', '0')).toThrow('--in-flight: 0 is not a positive integer');
});
