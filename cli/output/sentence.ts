/** Writes sentences. Pure. @module */

/**
 * Returns a text with a period and, if it begins with a word of a sentence, with a capital letter. The name of a field
 * (`caller: …`), a command (`call-api …`) or a quoted value stays as it is.
 */
export function asSentence(text: string): string {
  const capitalized = text.replace(
    /^[a-z]+(?=[ ,?!'’]|$)/,
    (word) => word.charAt(0).toUpperCase() + word.slice(1),
  );
  return /[.?!]$/.test(capitalized) ? capitalized : `${capitalized}.`;
}

/** Returns a problem with the reason that the edge gives for it, if any, as a sentence. */
export function withReason(problem: string, reason: string): string {
  if (reason === '') return `${problem}.`;
  return `${problem}: ${reason}${/[.?!]$/.test(reason) ? '' : '.'}`;
}

/** Returns texts as sentences one after the other; empty ones are left out. */
export function sentences(...texts: readonly string[]): string {
  return texts
    .filter((text) => text !== '')
    .map(asSentence)
    .join(' ');
}
