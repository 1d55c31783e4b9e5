/**
 * Reads the list of dialogs on the operator's machine, gently, when an edge asks for its changes.
 * @module
 */
import { Dialog } from '../../shared/opensips/mi.ts';
import type { ListParams } from '../../shared/protocol/dialog-list.ts';
import { type PageReader, readDialogs } from '../opensips/dialog-pages.ts';
import type { MiResponse } from '../opensips/mi-message.ts';
import { DialogList } from './dialog-list.ts';
import { PacedPages } from './paced-pages.ts';

/**
 * A pass takes about this long, in milliseconds, however long the list is: OpenSIPS walks its table to the beginning of each page, and
 * what it does for calls goes first. The edge asks every 12 s while calls are watched.
 */
const PASS_MS = 5_000;

/** The longest pause between two pages, in milliseconds: a short list is read at once, or nearly. */
const MAX_PAUSE_MS = 20;

/** Dialogs that a page brings: it has twelve, and repeats one of the page before. */
const NEW_DIALOGS_PER_PAGE = 11;

export class ListReader {
  readonly #readPage: PageReader;
  readonly #list = new DialogList();
  /** The pass that will begin when the running one has ended. */
  #nextPass: Promise<void> | undefined;
  #runningPass: Promise<void> | undefined;
  #isStopped = false;

  /** @param readPage runs `dlg_list` with `index` and `counter` */
  constructor(readPage: PageReader) {
    this.#readPage = readPage;
  }

  /** Returns the changes that an edge asks for. */
  async changes({ after, fresh }: ListParams): Promise<MiResponse> {
    if (fresh === 1) await this.#read();
    return { result: this.#list.changesAfter(after) };
  }

  /** No further page is read. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Reads the list in a pass that begins now or later. One that has begun before may have passed a new dialog's place already. */
  #read(): Promise<void> {
    this.#nextPass ??= this.#startNextPass();
    return this.#nextPass;
  }

  async #startNextPass(): Promise<void> {
    await this.#runningPass;
    this.#nextPass = undefined;
    this.#runningPass = this.#pass();
    await this.#runningPass;
  }

  async #pass(): Promise<void> {
    const pages = Math.ceil(this.#list.size / NEW_DIALOGS_PER_PAGE);
    const pauseMs = pages < 2 ? 0 : Math.min(PASS_MS / pages, MAX_PAUSE_MS);
    const dialogs = new Map<string, Dialog>();
    const readPage: PageReader = async (index, counter) =>
      this.#isStopped ? { outcome: 'timeout' } : this.#readPage(index, counter);
    const paced = new PacedPages(readPage, pauseMs, this.#list.size);
    let isReadable = true;
    const isRead = await readDialogs(paced.read, (listed) => {
      const dialog = Dialog.safeParse(listed);
      if (dialog.success) dialogs.set(dialog.data.ID, dialog.data);
      else isReadable = false;
      return false;
    });
    this.#list.update(dialogs.values(), isRead && isReadable);
  }
}
