/** @module */

/**
 * Many askings, one doing: at the next frame, and none while the page is hidden.
 *
 * @param frame calls back before the next frame is drawn
 * @return asks for it
 */
export function coalesced(
  act: () => void,
  frame: (callback: () => void) => unknown = requestAnimationFrame,
): () => void {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    frame(() => {
      isAsked = false;
      act();
    });
  };
}
