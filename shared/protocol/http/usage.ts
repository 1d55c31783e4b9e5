/** What a site uses of its limits. @module */
import * as z from 'zod';

/** Each field has the name of the limit that it counts against. */
export const SiteUsage = z
  .object({
    stored_bytes: z
      .number()
      .int()
      .meta({ description: 'the size of the database with its commands and calls, in bytes' }),
  })
  .meta({ description: 'what the site uses of its limits' });
export type SiteUsage = z.infer<typeof SiteUsage>;
