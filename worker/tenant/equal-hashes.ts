/** Compares hashes in constant time. @module */

/** Both are hashes as text, so their length reveals nothing. */
export function equalHashes(a: string, b: string): boolean {
  const encoder = new TextEncoder();
  const [bytesA, bytesB] = [encoder.encode(a), encoder.encode(b)];
  return bytesA.byteLength === bytesB.byteLength && crypto.subtle.timingSafeEqual(bytesA, bytesB);
}
