/** What an edge knows that applies the changes of the list, whatever happens in between. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dialog } from '../../shared/opensips/mi.ts';
import type { ListResult } from '../../shared/protocol/dialog-list.ts';
import { DialogList, MAX_GONE } from './dialog-list.ts';

const dialogOf = (id: string, callid: string, state: number): Dialog => ({
  ID: id,
  callid,
  state,
  timestart: 0,
  from_uri: 'sip:a@b',
  to_uri: 'sip:b@a',
});

/** An edge: the Call-IDs that it takes for standing, with the states of their dialogs. */
class Edge {
  upto = 0;
  readonly standing = new Map<string, Set<string>>();
  /** The Call-IDs of the running round, if it has the whole list. */
  #listed: Set<string> | undefined;

  /**
   * Asks until there is no more, as a round does.
   * @param known the Call-IDs that OpenSIPS knows: calls that are missing in a list with gaps are looked up
   */
  ask(list: DialogList, known: readonly string[]): void {
    for (let result = list.changesAfter(this.upto); this.#apply(result, known); )
      result = list.changesAfter(this.upto);
  }

  #apply({ upto, whole, more, complete, dialogs, gone }: ListResult, known: readonly string[]): boolean {
    if (whole) this.#listed = new Set();
    for (const { callid, ID, state } of dialogs) {
      this.#listed?.add(callid);
      const before = this.standing.get(callid) ?? new Set();
      for (const each of before) if (each.startsWith(`${ID}:`)) before.delete(each);
      this.standing.set(callid, before.add(`${ID}:${state}`));
    }
    for (const callid of gone) this.standing.delete(callid);
    this.upto = upto;
    if (more) return true;
    for (const callid of this.#listed ? this.standing.keys() : []) {
      if (this.#listed?.has(callid)) continue;
      if (complete || !known.includes(callid)) this.standing.delete(callid);
    }
    this.#listed = undefined;
    return false;
  }
}

const anyDialog = fc
  .tuple(fc.nat({ max: 8 }), fc.nat({ max: 1 }), fc.integer({ min: 1, max: 5 }))
  .map(([call, dialog, state]) => dialogOf(`${call}.${dialog}`, `call ${call}`, state));

describe('changes of the list', () => {
  it('show an edge each call that stands, and each that does no longer, also if it asks seldom or forgets', () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            dialogs: fc.uniqueArray(anyDialog, { selector: ({ ID }) => ID }),
            isComplete: fc.boolean(),
            asks: fc.constantFrom('no', 'yes', 'forgets before'),
          }),
          { maxLength: 12 },
        ),
        (passes) => {
          const list = new DialogList();
          const edge = new Edge();
          for (const { dialogs, isComplete, asks } of passes) {
            list.update(dialogs, isComplete);
            if (asks === 'forgets before') edge.upto = 0;
            if (asks === 'no') continue;
            const found = dialogs.filter(({ state }) => state !== 5).map(({ callid }) => callid);
            edge.ask(list, found);
            for (const callid of found) expect(edge.standing.has(callid)).toBe(true);
            if (isComplete) expect(new Set(edge.standing.keys())).toEqual(new Set(found));
          }
        },
      ),
      { numRuns: 300 },
    ));

  it('are none while nothing changes', () => {
    const list = new DialogList();
    const dialogs = Array.from({ length: 5_000 }, (_, n) => dialogOf(`${n}`, `call ${n}`, 4));
    list.update(dialogs, true);
    const edge = new Edge();
    edge.ask(list, []);
    expect(edge.standing.size).toBe(5_000);
    for (let n = 0; n < 3; n++) list.update(dialogs, true);
    const result = list.changesAfter(edge.upto);
    expect(result).toEqual({
      upto: edge.upto,
      whole: false,
      more: false,
      complete: true,
      dialogs: [],
      gone: [],
    });
    expect(JSON.stringify(result).length).toBeLessThan(100);
  });

  it('are all that stands for a number that was never given, or is older than what is remembered', () => {
    const list = new DialogList();
    list.update([dialogOf('1', 'one', 4)], true);
    expect(list.changesAfter(99)).toMatchObject({ whole: true, upto: 1 });
    expect(list.changesAfter(1)).toMatchObject({ whole: false, dialogs: [] });
    for (const state of [3, 4]) {
      list.update(
        Array.from({ length: MAX_GONE / 2 + 1 }, (_, n) => dialogOf(`${state}.${n}`, `${state}.${n}`, state)),
        true,
      );
      list.update([], true);
    }
    expect(list.changesAfter(1)).toMatchObject({ whole: true, dialogs: [], gone: [] });
  });

  it('have at most 128 Ki characters of dialogs in a result', () => {
    const list = new DialogList();
    list.update(
      Array.from({ length: 300 }, (_, n) => dialogOf(`${n}`, `${n}`.padEnd(2_000, 'c'), 4)),
      true,
    );
    const sizes: number[] = [];
    let upto = 0;
    for (let more = true; more; ) {
      const result = list.changesAfter(upto);
      sizes.push(JSON.stringify(result.dialogs).length);
      ({ upto, more } = result);
    }
    expect(sizes.length).toBeGreaterThan(4);
    expect(Math.max(...sizes)).toBeLessThan(132_000);
  });
});
