import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DialogLookup } from './dialog-lookup.ts';
import { readDialogs } from './dialog-pages.ts';
import type { MiRequester } from './mi-gateway.ts';
import type { MiResponse } from './mi-message.ts';

const TIMEOUTS = { timeoutMs: 5_000, ttlMs: 5_000 };
const NOT_FOUND: MiResponse = { error: { code: 404, message: 'No such dialog' } };

interface Dialog {
  readonly ID: string;
  readonly callid: string;
  readonly state: number;
}

const dialogOf = (id: number, callid = `call-${id}`, state = 4): Dialog => ({ ID: `${id}`, callid, state });
const dialogsUpTo = (count: number) => Array.from({ length: count }, (_, id) => dialogOf(id));

describe('reading all dialogs', () => {
  const pageOf = (dialogs: readonly Dialog[], index: number, counter: number): MiResponse => ({
    result: { count: dialogs.length, Dialogs: dialogs.slice(index, index + counter) },
  });

  it.each([0, 1, 2, 11, 12, 13, 23, 24, 100])('finds each of %i', async (count) => {
    const found: string[] = [];
    const dialogs = dialogsUpTo(count);
    const isComplete = await readDialogs(
      async (index, counter) => pageOf(dialogs, index, counter),
      ({ ID }) => {
        found.push(ID);
        return false;
      },
    );
    expect(isComplete).toBe(true);
    expect([...new Set(found)]).toEqual(dialogs.map(({ ID }) => ID));
  });

  it('finds all that stand, although others begin and end between two pages', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 120 }),
        // After each page: which of the dialogs end, and where new ones begin (0 to 1: from the start to the end).
        fc.array(
          fc.record({
            ended: fc.array(fc.nat({ max: 200 }), { maxLength: 30 }),
            begun: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
          }),
          { maxLength: 30 },
        ),
        async (count, changes) => {
          let dialogs = dialogsUpTo(count);
          const standing = new Set(dialogs.map(({ ID }) => ID));
          let nextId = count;
          const remaining = [...changes];
          const found = new Set<string>();
          const isComplete = await readDialogs(
            async (index, counter) => {
              const page = pageOf(dialogs, index, counter);
              const { ended = [], begun = [] } = remaining.shift() ?? {};
              dialogs = dialogs.filter(({ ID }) => !ended.includes(Number(ID)));
              for (const { ID } of dialogsUpTo(201)) if (ended.includes(Number(ID))) standing.delete(ID);
              for (const position of begun) {
                nextId += 1_000;
                dialogs.splice(Math.floor(position * dialogs.length), 0, dialogOf(nextId));
              }
              return page;
            },
            ({ ID }) => {
              found.add(ID);
              return false;
            },
          );
          expect(isComplete).toBe(true);
          for (const id of standing) expect(found).toContain(id);
        },
      ),
    );
  });

  it('reads smaller pages if one does not fit into a datagram, and gives up if two dialogs do not', async () => {
    const tooLarge: MiResponse = { error: { code: 500, message: 'Internal error' } };
    const found = new Set<string>();
    const read = (maxCounter: number) =>
      readDialogs(
        async (index, counter) => (counter > maxCounter ? tooLarge : pageOf(dialogsUpTo(30), index, counter)),
        ({ ID }) => {
          found.add(ID);
          return false;
        },
      );
    expect(await read(3)).toBe(true);
    expect(found.size).toBe(30);
    expect(await read(1)).toBe(false);
  });

  it('gives up if OpenSIPS does not respond', async () => {
    expect(
      await readDialogs(
        async () => ({ outcome: 'timeout' }),
        () => false,
      ),
    ).toBe(false);
  });
});

/** An OpenSIPS whose `dlg_list` looks at the first dialog of a Call-ID only. Pages are answered when the test says so. */
class FakeList {
  dialogs: readonly Dialog[] = [];
  readonly pages: (() => void)[] = [];
  pageCount = 0;
  isHolding = false;
  readonly lookup = new DialogLookup(async (index, counter) => {
    this.pageCount += 1;
    const result = { Dialogs: this.dialogs.slice(index, index + counter) };
    if (this.isHolding) await new Promise<void>((resolve) => this.pages.push(resolve));
    return { result };
  });
  readonly mi: MiRequester = {
    request: async (_method, { callid }) => {
      const first = this.dialogs.find((dialog) => dialog.callid === callid);
      return first === undefined || first.state === 5 ? NOT_FOUND : { result: { Dialog: first } };
    },
  };

  find(callid: string, timeouts = TIMEOUTS): Promise<MiResponse> {
    return this.lookup.find(this.mi, callid, timeouts, undefined);
  }
}

/** Lets everything run that does not wait for a page. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('the dialog of a Call-ID', () => {
  it('is the first one, without a pass through the list', async () => {
    const list = new FakeList();
    list.dialogs = [dialogOf(1, 'c'), dialogOf(2, 'c')];
    expect(await list.find('c')).toEqual({ result: { Dialog: dialogOf(1, 'c') } });
    expect(list.pageCount).toBe(0);
  });

  it('is the one that has not ended, if the first one has', async () => {
    const list = new FakeList();
    list.dialogs = [...dialogsUpTo(20), dialogOf(50, 'c', 5), dialogOf(51, 'c', 4), dialogOf(52, 'c', 4)];
    expect(await list.find('c')).toEqual({ result: { Dialog: dialogOf(51, 'c', 4) } });
  });

  it('is not found if all have ended: the response is that of OpenSIPS', async () => {
    const list = new FakeList();
    list.dialogs = [dialogOf(1, 'c', 5), dialogOf(2, 'c', 5)];
    expect(await list.find('c')).toEqual(NOT_FOUND);
    const ended = { result: { Dialog: dialogOf(1, 'c', 5) } };
    const mi: MiRequester = { request: async () => ended };
    expect(await list.lookup.find(mi, 'c', TIMEOUTS, undefined)).toBe(ended);
  });

  it('is searched by one pass for all that wait, but never by a pass that has begun before', async () => {
    const list = new FakeList();
    list.isHolding = true;
    const first = list.find('a');
    await settle();
    expect(list.pageCount).toBe(1);
    // These two begin after the first page was read, so their dialog may already have been passed.
    list.dialogs = [dialogOf(1, 'b', 5), dialogOf(2, 'b'), dialogOf(3, 'c', 5), dialogOf(4, 'c')];
    const others = [list.find('b'), list.find('c')];
    await settle();
    expect(list.pageCount).toBe(1);
    list.pages.shift()?.();
    expect(await first).toEqual(NOT_FOUND);
    await settle();
    expect(list.pageCount).toBe(2);
    list.pages.shift()?.();
    expect(await Promise.all(others)).toEqual([
      { result: { Dialog: dialogOf(2, 'b') } },
      { result: { Dialog: dialogOf(4, 'c') } },
    ]);
    expect(list.pageCount).toBe(2);
  });

  it('is unknown if the list cannot be read in time', async () => {
    const list = new FakeList();
    list.isHolding = true;
    expect(await list.find('a', { timeoutMs: 5, ttlMs: 5 })).toEqual({ outcome: 'timeout' });
  });

  it('is not searched if OpenSIPS does not respond, or fails otherwise', async () => {
    const list = new FakeList();
    const error: MiResponse = { error: { code: 500, message: 'Internal error' } };
    for (const response of [error, { outcome: 'timeout' }] satisfies MiResponse[]) {
      const mi: MiRequester = { request: async () => response };
      expect(await list.lookup.find(mi, 'a', TIMEOUTS, undefined)).toBe(response);
    }
    expect(list.pageCount).toBe(0);
  });
});
