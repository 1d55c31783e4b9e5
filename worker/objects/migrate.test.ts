/** Schema steps run once and in order, and a database of a newer release is left alone. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { migrate, type SchemaStep } from './migrate.ts';

/** Runs a test with an empty database. */
function withDatabase(test: (storage: DurableObjectStorage) => void): Promise<void> {
  const stub = env.TENANT.get(env.TENANT.newUniqueId());
  return runInDurableObject(stub, async (_, { storage }) => {
    await storage.deleteAll();
    test(storage);
  });
}

const STEPS: readonly SchemaStep[] = [
  { name: 'a table', sql: 'CREATE TABLE runs (id INTEGER)' },
  { name: 'a row', sql: 'INSERT INTO runs VALUES (1)' },
];
const rowCount = ({ sql }: DurableObjectStorage) => sql.exec('SELECT id FROM runs').toArray().length;
const appliedSteps = ({ sql }: DurableObjectStorage) =>
  sql
    .exec<{ name: string }>('SELECT name FROM schema_steps ORDER BY version')
    .toArray()
    .map(({ name }) => name);

it('runs each step once', () =>
  withDatabase((storage) => {
    for (const steps of [STEPS.slice(0, 1), STEPS, STEPS, STEPS]) migrate(storage, steps);
    expect(rowCount(storage)).toBe(1);
    expect(appliedSteps(storage)).toEqual(['a table', 'a row']);
  }));

it('keeps the data of an earlier release', () =>
  withDatabase((storage) => {
    const { sql } = storage;
    migrate(storage, STEPS);
    sql.exec('INSERT INTO runs VALUES (7)');
    const column = {
      name: 'a column',
      sql: "ALTER TABLE runs ADD COLUMN state TEXT NOT NULL DEFAULT 'done'",
    };
    migrate(storage, [...STEPS, column]);
    expect(sql.exec('SELECT * FROM runs ORDER BY id').toArray()).toEqual([
      { id: 1, state: 'done' },
      { id: 7, state: 'done' },
    ]);
  }));

it('rolls back a step that fails, and keeps the earlier ones', () =>
  withDatabase((storage) => {
    const broken = { name: 'broken', sql: 'INSERT INTO runs VALUES (2); INSERT INTO missing VALUES (1)' };
    expect(() => migrate(storage, [...STEPS, broken])).toThrow('missing');
    expect(rowCount(storage)).toBe(1);
    expect(appliedSteps(storage)).toEqual(['a table', 'a row']);
    migrate(storage, [...STEPS, { name: 'fixed', sql: 'INSERT INTO runs VALUES (3)' }]);
    expect(rowCount(storage)).toBe(2);
  }));

it('leaves a database of a newer release alone, and says what to do', () =>
  withDatabase((storage) => {
    migrate(storage, STEPS);
    expect(() => migrate(storage, STEPS.slice(0, 1))).toThrow(
      'schema version 2, but this release knows only 1: deploy a release at least as new',
    );
    expect(rowCount(storage)).toBe(1);
  }));
