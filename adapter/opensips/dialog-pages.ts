/**
 * Reads all dialogs of OpenSIPS, page by page, although dialogs begin and end meanwhile.
 * @module
 */
import * as z from 'zod';
import type { MiResponse } from './mi-message.ts';

/** Dialogs on a page. With its SDP a dialog takes 2 to 4 KB, and a response of more than 65,457 bytes fails as a whole. */
const PAGE_SIZE = 12;

/** A page repeats one dialog of the page before, so it needs two. */
const MIN_PAGE_SIZE = 2;

/** Some 200,000 dialogs, also if each page must be read twice. A list that does not end has a fault. */
const MAX_PAGES = 40_000;

/** The fields by which a dialog is found. The others are passed on as they are. */
const ListedDialog = z.looseObject({ ID: z.string(), state: z.number().int(), callid: z.string() });
export type ListedDialog = z.infer<typeof ListedDialog>;

const Page = z.object({ Dialogs: z.array(ListedDialog) });

/** Returns the response to `dlg_list` with `index` and `counter`. */
export type PageReader = (index: number, counter: number) => Promise<MiResponse>;

/**
 * Calls `onDialog` for each dialog, at least once and in the order of the list, until it returns true. Returns whether the list
 * was read to its end, or `onDialog` has returned true; otherwise some dialogs may be missing.
 *
 * `index` counts dialogs, so those that end during the pass shift the others towards the start. New ones are added at the end
 * of their hash bucket, and the order never changes (`link_dlg` in `dlg_hash.c`). So nothing is skipped if each page begins
 * with a dialog that was read before; if not, earlier pages are read again.
 */
export async function readDialogs(
  readPage: PageReader,
  onDialog: (dialog: ListedDialog) => boolean,
): Promise<boolean> {
  const seen = new Set<string>();
  let index = 0;
  let size = PAGE_SIZE;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const response = await readPage(index, size);
    if ('outcome' in response) return false;
    const dialogs = dialogsOf(response);
    if (dialogs === undefined) {
      // The page may be too large for a datagram.
      if (size === MIN_PAGE_SIZE) return false;
      size = Math.max(MIN_PAGE_SIZE, Math.floor(size / 2));
      continue;
    }
    const isContiguous = index === 0 || dialogs.some(({ ID }) => seen.has(ID));
    if (!isContiguous) {
      index = Math.max(0, index - size);
      continue;
    }
    for (const dialog of dialogs) {
      seen.add(dialog.ID);
      if (onDialog(dialog)) return true;
    }
    if (dialogs.length < size) return true;
    index += dialogs.length - 1;
  }
  return false;
}

function dialogsOf(response: MiResponse): readonly ListedDialog[] | undefined {
  return Page.safeParse('result' in response ? response.result : undefined).data?.Dialogs;
}
