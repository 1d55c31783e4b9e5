/** Extracts the string id of a JSON-RPC message without parsing the message. @module */

const ID_PREFIX = '"id":"';

/** Returns the id of a message whose id is a string without escapes, otherwise the empty string. */
export function messageId(message: string): string {
  const prefixAt = message.lastIndexOf(ID_PREFIX);
  if (prefixAt < 0) return '';
  const start = prefixAt + ID_PREFIX.length;
  return message.slice(start, message.indexOf('"', start));
}
