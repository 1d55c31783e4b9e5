/** How several adapters share a site: one serves it and the others wait, or all serve it. @module */
import * as z from 'zod';

/** How several adapters share a site. */
export const AdaptersMode = z.enum(['standby', 'active']).meta({
  description:
    '`standby`: one adapter serves the site, and the others wait to take over; `active`: all serve it, each beside an OpenSIPS of its own',
});
export type AdaptersMode = z.infer<typeof AdaptersMode>;

/** Whether an OpenSIPS goes on with the calls of another one. */
export const ReplicatedDialogs = z.boolean().meta({
  description:
    'with `active`: each OpenSIPS has the dialogs of the others, so that an adapter takes over the calls of one that is lost',
});

/** What a site needs to know whose adapters all serve it. */
export const ActiveAdapters = z.object({ replicated_dialogs: ReplicatedDialogs });
export type ActiveAdapters = z.infer<typeof ActiveAdapters>;
