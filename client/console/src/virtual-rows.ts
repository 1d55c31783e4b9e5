/** TanStack Virtual for Preact: only the rows that are seen are there. @module */
import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  type VirtualItem,
  Virtualizer,
} from '@tanstack/virtual-core';
import { useLayoutEffect, useReducer, useRef } from 'preact/hooks';

interface Rows {
  /** Those to draw. */
  readonly items: readonly VirtualItem[];
  /** Height of all, in pixels. */
  readonly height: number;
  readonly show: (index: number) => void;
}

/**
 * @param keys of all rows, in order
 * @param rowHeight in pixels, the same for all
 * @param element what scrolls
 */
export function useVirtualRows(
  keys: readonly string[],
  rowHeight: number,
  element: { readonly current: HTMLElement | null },
): Rows {
  const [, redraw] = useReducer((n: number, _: undefined) => n + 1, 0);
  const kept = useRef<Virtualizer<HTMLElement, HTMLElement> | undefined>(undefined);
  const options = {
    count: keys.length,
    getScrollElement: () => element.current,
    estimateSize: () => rowHeight,
    getItemKey: (index: number) => keys[index] ?? index,
    overscan: 8,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => redraw(undefined),
  };
  kept.current ??= new Virtualizer<HTMLElement, HTMLElement>(options);
  const virtualizer = kept.current;
  virtualizer.setOptions(options);
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  useStillScroll(keys, rowHeight, element);
  return {
    items: virtualizer.getVirtualItems(),
    height: virtualizer.getTotalSize(),
    show: (index) => virtualizer.scrollToIndex(index, { align: 'auto' }),
  };
}

/** Who has scrolled down reads on undisturbed: rows that come or go above move the list, not what is seen. */
function useStillScroll(
  keys: readonly string[],
  rowHeight: number,
  element: { readonly current: HTMLElement | null },
): void {
  const before = useRef(keys);
  useLayoutEffect(() => {
    const earlier = before.current;
    before.current = keys;
    const scroller = element.current;
    if (!scroller || earlier === keys || scroller.scrollTop < rowHeight) return;
    const seen = Math.floor(scroller.scrollTop / rowHeight);
    // The first that is seen may itself have gone: then the next that has not.
    for (let index = seen; index < Math.min(earlier.length, seen + 20); index++) {
      const now = keys.indexOf(earlier[index] ?? '');
      if (now < 0) continue;
      if (now !== index) scroller.scrollTop += (now - index) * rowHeight;
      return;
    }
  }, [keys, rowHeight, element]);
}
