/** Administrators in the admin API: what creates one, and how one is shown. @module */
import * as z from 'zod';
import { AdminRole } from '../../policy/admin-roles.ts';
import { Id } from '../../policy/policy.ts';

export const AdministratorBody = z.strictObject({ name: Id, role: AdminRole });

const Time = z.iso.datetime();

/** A key of an administrator. An administrator has two of them while one replaces the other. */
export const AdministratorView = z.object({
  name: Id,
  role: AdminRole,
  id: Id.meta({ description: 'the id of the key' }),
  created: Time,
  last_used: Time.nullable().meta({ description: 'accurate to a minute' }),
  revoked_at: Time.nullable().meta({
    description: 'can be in the future, if the key was rotated with a grace period',
  }),
});
export type AdministratorView = z.infer<typeof AdministratorView>;
