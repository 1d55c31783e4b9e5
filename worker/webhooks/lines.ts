/**
 * Many webhooks as one text: two lines each, of which the second is the body as it stands. To carry or to keep them so
 * costs a fraction of what it costs one by one, and no body is read or written again.
 * @module
 */

/** @param each what is to be known of a webhook without reading its body, as JSON can have it, and its body */
export function toLines(each: readonly (readonly [head: readonly unknown[], body: string])[]): string {
  return each.flatMap(([head, body]) => [JSON.stringify(head), body]).join('\n');
}

/** Reads what {@link toLines} wrote. */
export function fromLines<Head extends readonly unknown[]>(text: string): (readonly [Head, string])[] {
  const lines = text === '' ? [] : text.split('\n');
  return Array.from({ length: lines.length / 2 }, (_, at) => {
    const [head = '', body = ''] = [lines[2 * at], lines[2 * at + 1]];
    return [JSON.parse(head) as Head, body];
  });
}
