/** A signal of whoever has lost interest. @module */

/** Calls back when it is aborted: at once, where it already is. What it returns ends that. */
export function whenAborted(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal?.aborted) callback();
  else signal?.addEventListener('abort', callback);
  return () => signal?.removeEventListener('abort', callback);
}
