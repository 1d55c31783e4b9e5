import { expect, it } from 'vitest';
import { CommandId } from '../../../shared/protocol/rpc/field-types.ts';
import { commandId } from './command-id.ts';

it('is a UUID of version 7, and a valid `cmd_id`', () => {
  const id = commandId(Date.UTC(2026, 0, 1));
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(CommandId.safeParse(id).success).toBe(true);
});

it('sorts by time, and is unique', () => {
  const now = Date.UTC(2026, 0, 1);
  expect(commandId(now + 1) > commandId(now)).toBe(true);
  expect(commandId(2 ** 47) > commandId(now), 'far in the future').toBe(true);
  expect(new Set(Array.from({ length: 1_000 }, () => commandId(now))).size).toBe(1_000);
});
