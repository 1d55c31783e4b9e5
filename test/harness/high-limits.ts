/** Limits for tests and measurements in which one subject does the work of many. @module */
import type { Limits } from '../../shared/policy/policy.ts';

/** The highest rates that can be set. */
export const HIGH_LIMITS: Partial<Limits> = {
  messages_per_second: 10_000,
  tenant_messages_per_second: 100_000,
  replayed_bytes_per_minute: 64 * 1_024 ** 3,
  tenant_replayed_bytes_per_minute: 640 * 1_024 ** 3,
  written_bytes_per_minute: 4 * 1_024 ** 3,
  tenant_written_bytes_per_minute: 40 * 1_024 ** 3,
  connections_per_minute: 60_000,
  tenant_connections_per_minute: 600_000,
  starts_per_second: 10_000,
  unread_bytes: 16_777_216,
  stream_unread_bytes: 8_388_608,
};
