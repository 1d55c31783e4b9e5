/** The list of dialogs that an adapter keeps, as the reconciliation asks for it. @module */
import type { ListPosition } from '../../../shared/protocol/dialog-list.ts';
import type { ListSource } from './change-reader.ts';
import type { Link } from './link.ts';

/**
 * Returns the list of an adapter that serves the site.
 * @param link returns the link, which is restored after the reconciliation
 * @param adapter its name, if all adapters serve the site; undefined if one does. Of several, each round reads the whole list: a call may
 * have become the adapter's own since its dialog was listed
 */
export function listOf(link: () => Link, adapter: string | undefined): ListSource {
  const connection = () =>
    link().site.set.serving.find(({ name }) => adapter === undefined || name === adapter);
  return {
    get takesRequests() {
      return connection()?.takesLists ?? false;
    },
    get listPosition() {
      return adapter === undefined ? connection()?.listPosition : undefined;
    },
    set listPosition(position: ListPosition | undefined) {
      const target = adapter === undefined ? connection() : undefined;
      if (target) target.listPosition = position;
    },
  };
}
