import { expect, test } from 'vitest';
import { type Plan, planOf } from './plan.ts';

function plan(...args: string[]): Plan {
  const read = planOf(args);
  if (read === 'help') throw new Error('help');
  return read;
}

test('without options what is promised is measured, where it is promised', () => {
  expect(plan().stops).toEqual([
    { place: { inFlight: 1, sockets: 1, tenants: 1 }, workloads: ['CallEnd', 'CallStart'] },
    { place: { inFlight: 64, sockets: 1, tenants: 1 }, workloads: ['CallEnd', 'CallHold'] },
  ]);
});

test('--all is the whole matrix; fifty tenants have a socket each where one was asked for', () => {
  const { stops } = plan('--all');
  expect(stops).toHaveLength(16);
  expect(stops.map(({ place }) => `${place.tenants} ${place.sockets}`)).toContain('50 50');
  expect(stops.every(({ workloads }) => workloads.length === 5)).toBe(true);
});

test('lists choose', () => {
  const { stops, rounds, length } = plan(
    '--workloads',
    'mix',
    '--in-flight',
    '8,9',
    '--rounds',
    '2',
    '--count',
    '5',
  );
  expect(stops.map(({ place }) => place.inFlight)).toEqual([8, 9]);
  expect(stops[0]?.workloads).toEqual(['mix']);
  expect([rounds, length(1).count, length(64).count]).toEqual([2, 5, 5]);
});

test('what makes no sense is said', () => {
  expect(() => plan('--workloads', 'CallBack')).toThrow('there is no workload CallBack');
  expect(() => plan('--in-flight', '0')).toThrow('--in-flight takes whole numbers from 1 on, not 0');
});
