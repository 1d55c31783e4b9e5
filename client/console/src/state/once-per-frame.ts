/** Limits a callback to one call per animation frame. @module */

/**
 * Returns a function that schedules the callback for the next frame. Further calls before that frame have no effect. Browsers
 * draw no frames while the page is hidden.
 *
 * @param requestFrame calls back before the next frame is drawn
 */
export function oncePerFrame(
  callback: () => void,
  requestFrame: (callback: () => void) => unknown = requestAnimationFrame,
): () => void {
  let isScheduled = false;
  return () => {
    if (isScheduled) return;
    isScheduled = true;
    requestFrame(() => {
      isScheduled = false;
      callback();
    });
  };
}
