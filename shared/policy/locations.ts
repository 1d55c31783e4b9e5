/** The regions in which the Durable Objects of a site can be placed. @module */

/** Location hints of the platform (developers.cloudflare.com/durable-objects/reference/data-location). */
export const LOCATIONS = ['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me'] as const;
export type Location = (typeof LOCATIONS)[number];
