/** The string id of a JSON-RPC message, found without parsing it. @module */

const BEFORE = '"id":"';

/** Its id, where the message has one that is a string without escapes; else the empty string. */
export function messageId(text: string): string {
  const at = text.lastIndexOf(BEFORE);
  if (at < 0) return '';
  const from = at + BEFORE.length;
  return text.slice(from, text.indexOf('"', from));
}
