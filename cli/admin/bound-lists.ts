/** The names of the lists that bound what a tenant manages itself. @module */
export const BOUND_LISTS = ['own-scope', 'own-webhook-host', 'own-origin'] as const;
