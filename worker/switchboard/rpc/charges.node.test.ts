import { expect, it } from 'vitest';
import { Limits } from '../../../shared/policy/policy.ts';
import { Charges } from './charges.ts';

const chargesWith = (limits: Partial<Limits>) => {
  const parsed = Limits.parse(limits);
  return new Charges(() => parsed);
};

/** Charges one unit to a subject. */
const charge = {
  requests: (charges: Charges, subject: string, now: number) => charges.requests(subject, 1, now),
  replay: (charges: Charges, subject: string, now: number) => charges.replay(subject, 65_536, now),
  write: (charges: Charges, subject: string, now: number) => charges.write(subject, 65_536, now),
  connection: (charges: Charges, subject: string, now: number) => charges.connection(subject, now),
} as const;

it.each([
  ['requests', { messages_per_second: 2 }, 4, 'messages_per_second', 1],
  ['replay', { replayed_bytes_per_minute: 4 * 65_536 }, 4, 'replayed_bytes_per_minute', 1],
  ['write', { written_bytes_per_minute: 60 * 65_536 }, 4, 'written_bytes_per_minute', 1],
  ['connection', { connections_per_minute: 6 }, 6, 'connections_per_minute', 10],
] as const)(
  'bounds %s of a subject, and not those of another one',
  (kind, limits, granted, limit, retryAfter) => {
    const charges = chargesWith(limits);
    for (let n = 0; n < granted; n++) expect(charge[kind](charges, 'one', 0)).toBeUndefined();
    expect(charge[kind](charges, 'one', 0)).toEqual({ limit, retryAfter, reason: expect.any(String) });
    expect(charge[kind](charges, 'other', 0)).toBeUndefined();
    expect(charge[kind](charges, 'one', retryAfter * 1_000)).toBeUndefined();
  },
);

it.each([
  ['requests', { tenant_messages_per_second: 12 }, 6, 'tenant_messages_per_second'],
  ['replay', { tenant_replayed_bytes_per_minute: 4 * 65_536 }, 4, 'tenant_replayed_bytes_per_minute'],
  ['write', { tenant_written_bytes_per_minute: 240 * 65_536 }, 4, 'tenant_written_bytes_per_minute'],
  ['connection', { tenant_connections_per_minute: 6 }, 6, 'tenant_connections_per_minute'],
] as const)(
  'bounds %s of all subjects together, each of which has sent one',
  (kind, limits, granted, limit) => {
    const charges = chargesWith(limits);
    for (let n = 0; n < granted; n++) expect(charge[kind](charges, `minted ${n}`, 0)).toBeUndefined();
    expect(charge[kind](charges, 'one more', 0)).toMatchObject({ limit });
  },
);

it('counts each kind apart', () => {
  const charges = chargesWith({ messages_per_second: 1, connections_per_minute: 1 });
  for (let n = 0; n < 2; n++) charges.requests('one', 1, 0);
  expect(charges.requests('one', 1, 0)).toBeDefined();
  expect(charges.replay('one', 1, 0)).toBeUndefined();
  expect(charges.connection('one', 0)).toBeUndefined();
  expect(charges.connection('one', 0)).toBeDefined();
});

it('lets bytes be owed, and refuses the next request until they are paid back', () => {
  const charges = chargesWith({ replayed_bytes_per_minute: 60 * 65_536 });
  expect(charges.replay('reader', 0, 0)).toBeUndefined();
  expect(charges.replay('reader', 90 * 65_536, 0)).toBeUndefined();
  expect(charges.replay('reader', 0, 0)).toMatchObject({
    limit: 'replayed_bytes_per_minute',
    retryAfter: 31,
  });
  expect(charges.replay('reader', 0, 31_000)).toBeUndefined();
});

it('applies changed limits at once', () => {
  let limits = Limits.parse({ connections_per_minute: 1 });
  const charges = new Charges(() => limits);
  charges.connection('one', 0);
  expect(charges.connection('one', 0)).toBeDefined();
  limits = Limits.parse({ connections_per_minute: 60_000 });
  expect(charges.connection('one', 1)).toBeUndefined();
});

it('never refuses an adapter that keeps its delays, whatever the clients of the tenant do', () => {
  const charges = chargesWith({ connections_per_minute: 1, tenant_connections_per_minute: 1 });
  for (let n = 0; n < 100; n++) charges.connection(`client ${n}`, 0);
  let now = 0;
  // The shortest delays that its backoff has, and each connection lasts just long enough to reset it.
  for (let n = 0; n < 1_000; n++) {
    expect(charges.adapterConnection('adapter', now)).toBeUndefined();
    now += n % 2 === 0 ? 500 : 10_500;
  }
});

it('bounds the adapters of a key, and not those of another one', () => {
  const charges = chargesWith({});
  for (let n = 0; n < 60; n++) expect(charges.adapterConnection('one', 0)).toBeUndefined();
  expect(charges.adapterConnection('one', 0)).toMatchObject({
    limit: 'connections_per_minute',
    retryAfter: 1,
  });
  expect(charges.adapterConnection('other', 0)).toBeUndefined();
});
