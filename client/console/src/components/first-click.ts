/** Tells the first click of a double click from the second. @module */

/**
 * Whether this click is not the second one of a double click. After the first, a command may already have ended, and the
 * button may mean something else.
 */
export function isFirstClick({ detail }: MouseEvent): boolean {
  return detail <= 1;
}
