/** Calls back when an AbortSignal is aborted. @module */

/** Calls back when the signal is aborted, at once if it already is. Returns a function that removes the listener. */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal?.aborted) callback();
  else signal?.addEventListener('abort', callback);
  return () => signal?.removeEventListener('abort', callback);
}
