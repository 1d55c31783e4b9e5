/** Quotes values for messages. @module */

/** The most characters of a value that a message shows. */
const MAX_SHOWN = 64;

/** Returns a value in JSON quotes, cut at 64 characters, so that a message stays one line. Not for secrets. */
export function quote(value: string): string {
  const characters = [...value];
  return JSON.stringify(
    characters.length > MAX_SHOWN ? `${characters.slice(0, MAX_SHOWN).join('')}…` : value,
  ).replace(
    /[\x7f-\x9f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Returns the items of a list for a sentence: `a, b or c`. */
export function alternatives(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} or ${items.at(-1)}`;
}
