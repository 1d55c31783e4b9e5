/** TanStack Virtual for Preact: renders only the visible rows of a list. @module */
import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  type VirtualItem,
  Virtualizer,
} from '@tanstack/virtual-core';
import { useLayoutEffect, useReducer, useRef } from 'preact/hooks';

/** Rows that are tried as the anchor. */
const MAX_ANCHOR_SEARCH = 20;

interface VirtualRows {
  /** The rows to render. */
  readonly items: readonly VirtualItem[];
  /** Height of all rows, in pixels. */
  readonly height: number;
  readonly scrollTo: (index: number) => void;
}

/**
 * @param keys the keys of all rows, in order
 * @param rowHeight in pixels, the same for all rows
 * @param element the element that scrolls
 */
export function useVirtualRows(
  keys: readonly string[],
  rowHeight: number,
  element: { readonly current: HTMLElement | null },
): VirtualRows {
  const [, rerender] = useReducer((n: number, _: undefined) => n + 1, 0);
  const virtualizerRef = useRef<Virtualizer<HTMLElement, HTMLElement> | undefined>(undefined);
  const options = {
    count: keys.length,
    getScrollElement: () => element.current,
    estimateSize: () => rowHeight,
    getItemKey: (index: number) => keys[index] ?? index,
    overscan: 8,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => rerender(undefined),
  };
  virtualizerRef.current ??= new Virtualizer<HTMLElement, HTMLElement>(options);
  const virtualizer = virtualizerRef.current;
  virtualizer.setOptions(options);
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  useScrollAnchor(keys, rowHeight, element);
  return {
    items: virtualizer.getVirtualItems(),
    height: virtualizer.getTotalSize(),
    scrollTo: (index) => virtualizer.scrollToIndex(index, { align: 'auto' }),
  };
}

/** Keeps the visible rows in place while rows above them are added or removed. */
function useScrollAnchor(
  keys: readonly string[],
  rowHeight: number,
  element: { readonly current: HTMLElement | null },
): void {
  const keysRef = useRef(keys);
  useLayoutEffect(() => {
    const previousKeys = keysRef.current;
    keysRef.current = keys;
    const scroller = element.current;
    if (!scroller || previousKeys === keys || scroller.scrollTop < rowHeight) return;
    const firstVisible = Math.floor(scroller.scrollTop / rowHeight);
    // The first visible row may have been removed: the next one that is left is the anchor.
    for (
      let index = firstVisible;
      index < Math.min(previousKeys.length, firstVisible + MAX_ANCHOR_SEARCH);
      index++
    ) {
      const newIndex = keys.indexOf(previousKeys[index] ?? '');
      if (newIndex < 0) continue;
      if (newIndex !== index) scroller.scrollTop += (newIndex - index) * rowHeight;
      return;
    }
  }, [keys, rowHeight, element]);
}
