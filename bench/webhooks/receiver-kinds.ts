/** The kinds of webhook receivers that are measured. @module */

export const RECEIVER_KINDS = ['fast', 'slow', 'failing', 'redirecting', 'hanging', 'restarting'] as const;
export type ReceiverKind = (typeof RECEIVER_KINDS)[number];

/** What each kind does, as the tables print it. */
export const DESCRIPTIONS: Readonly<Record<ReceiverKind, string>> = {
  fast: 'responds immediately',
  slow: 'responds after 300 ms',
  failing: 'responds 500 immediately',
  redirecting: 'redirects',
  hanging: 'never responds',
  restarting: 'resets connections, then recovers',
};
