/** The console in Chromium during a fault run. @module */
import type { Page } from 'playwright-core';
import type { Call } from '../../../client/index.ts';
import { openPage } from '../../console/page.ts';
import { differences } from '../oracle/watched-calls.ts';
import { sharedBrowser } from './chromium-driver.ts';

/** So high that each row of the list is rendered. */
const VIEWPORT = { width: 1_280, height: 12_000 };

export class ConsolePage implements AsyncDisposable {
  readonly #page: Page;
  readonly #errors: string[];

  private constructor(page: Page, errors: string[]) {
    this.#page = page;
    this.#errors = errors;
  }

  /** Opens the console of an edge. Resolves when it is connected. */
  static async open(url: string): Promise<ConsolePage> {
    const { page, errors } = await openPage(await sharedBrowser(), url, { viewport: VIEWPORT });
    await page.locator('.connection').getByText('Live').waitFor();
    return new ConsolePage(page, errors);
  }

  /** Errors that the page has not handled. Without what the browser logs about a request that a broken edge has not answered. */
  get errors(): readonly string[] {
    return this.#errors.filter((text) => !text.startsWith('Failed to load resource'));
  }

  /** Returns a description of each difference between the page's list of active calls and that of `CallList`. */
  async differencesFrom(listed: readonly Call[]): Promise<string[]> {
    const rows = await this.#page
      .locator('.call-row')
      .evaluateAll((elements) =>
        elements.map((row) => [row.getAttribute('data-callid') ?? '', row.getAttribute('data-state') ?? '']),
      );
    const describe = (callid = '', state = '') => [callid, `${callid} (${state})`] as const;
    return differences(
      rows.map(([callid, state]) => describe(callid, state)),
      listed.map(({ callid, state }) => describe(callid, state)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#page.context().close();
  }
}
