/** The kinds of receivers that are measured. @module */

export const KINDS = ['answers', 'slow', 'fails', 'redirects', 'hangs', 'dies'] as const;
export type Kind = (typeof KINDS)[number];

/** What each does, as the table has it. */
export const DOES: Readonly<Record<Kind, string>> = {
  answers: 'answers at once',
  slow: 'answers after 300 ms',
  fails: 'answers 500 at once',
  redirects: 'redirects',
  hangs: 'never answers',
  dies: 'resets, then lives again',
};
