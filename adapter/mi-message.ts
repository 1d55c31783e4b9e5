/**
 * MI's datagrams: JSON-RPC 2.0, but for some errors, which are plain text without an id.
 * @module
 */
import * as z from 'zod';
import type { Outcome } from '../shared/link.ts';
import { MiError } from '../shared/mi.ts';

/** How an MI request ended. */
export type MiAnswer =
  | { readonly result: unknown }
  | { readonly error: MiError }
  | { readonly outcome: Outcome };

export type MiRequestParams = Readonly<Record<string, string | number | readonly string[]>>;

/** The code of an answer that is neither JSON nor `400 Some_error`: it is OpenSIPS that has failed. */
const UNREADABLE = 500;

/**
 * A request's datagram.
 * @param id a string: numbers come back through a C int (OpenSIPS source)
 */
export function encodeRequest(id: string, method: string, params: MiRequestParams): string {
  // No params at all where there are none: OpenSIPS counts them.
  const some = Object.keys(params).length > 0;
  return JSON.stringify({ jsonrpc: '2.0', id, method, ...(some ? { params } : {}) });
}

const Envelope = z.object({
  id: z.unknown().optional(),
  result: z.unknown().optional(),
  error: MiError.optional(),
});

/**
 * Reads a datagram that came to the socket of request `id`. `ours` tells that it carried the id, so that no
 * other answer can follow. Undefined: it answers some other request.
 */
export function decodeAnswer(
  text: string,
  id: string,
): { readonly answer: MiAnswer; readonly ours: boolean } | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { answer: { error: plainTextError(text) }, ours: false };
  }
  const envelope = Envelope.safeParse(json);
  if (!envelope.success) return { answer: { error: unreadable(text) }, ours: false };
  const { id: answered, result, error } = envelope.data;
  if (error !== undefined && (answered === id || answered === null || answered === undefined)) {
    return { answer: { error }, ours: answered === id };
  }
  return answered === id ? { answer: { result }, ours: true } : undefined;
}

/** `400 Parse_error`, `500 Internal error`. */
function plainTextError(text: string): MiError {
  const [, code, message] = /^(\d{3})\s+(.+?)\s*$/s.exec(text) ?? [];
  return code === undefined || message === undefined ? unreadable(text) : { code: Number(code), message };
}

function unreadable(text: string): MiError {
  return { code: UNREADABLE, message: `OpenSIPS answered what cannot be read: ${text.slice(0, 200)}` };
}
