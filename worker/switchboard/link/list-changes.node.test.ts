/** With the changes of an adapter's list, the edge knows the same calls as OpenSIPS, whatever events, replies and objects are lost. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { DialogList } from '../../../adapter/dialogs/dialog-list.ts';
import type { Dialog } from '../../../shared/opensips/mi.ts';
import { ReconcileState } from '../calls/reconcile-state.ts';
import type { ListSource } from './change-reader.ts';
import { DialogReconciler, type ReconcileRequest } from './dialog-reconciler.ts';

/** As long as those of a real OpenSIPS, with the fields that the edge uses. */
const dialogOf = (callid: string, generation: number, state = 4): Dialog => ({
  ID: `${generation}`.padStart(16, '0'),
  callid,
  state,
  timestart: 1_796_000_000,
  from_uri: 'sip:alice.smith@pbx.example.com',
  to_uri: 'sip:+4930123456789@pbx.example.com',
  caller_contact: 'sip:alice.smith@192.168.178.123:50602',
  CALLEES: [{ callee_contact: 'sip:+4930123456789@192.168.178.124:50602' }],
});

/** What the edge knows of a call. */
interface KnownCall {
  readonly callid: string;
  readonly firstSeq: number;
  lastRound: number;
  readonly adapter: undefined;
  hasDialog: boolean;
  readonly peek: () => { readonly dialogs: readonly unknown[] };
}

/** How a round goes wrong. */
type Fault =
  | 'none'
  | 'pass with gaps'
  | 'no look-ups'
  | 'object is lost before the reply'
  | 'adapter restarts before';

class Site {
  /** What OpenSIPS has. */
  readonly dialogs = new Map<string, Dialog>();
  readonly known = new Map<string, KnownCall>();
  requests = 0;
  /** Characters of the requests and the replies, as they are on the link. */
  characters = 0;
  #list = new DialogList();
  #state = new ReconcileState<KnownCall>();
  #lastSeq = 0;
  #now = 0;
  #generation = 0;
  readonly #source: ListSource = { takesRequests: true, listPosition: undefined };
  #reconciler = this.#create();

  begin(callid: string, isSeen: boolean): void {
    if (this.dialogs.has(callid)) return;
    this.dialogs.set(callid, dialogOf(callid, ++this.#generation));
    if (isSeen) this.#note(callid);
  }

  end(callid: string, isSeen: boolean): void {
    this.dialogs.delete(callid);
    if (isSeen) this.known.delete(callid);
  }

  round(fault: Fault): void {
    if (fault === 'adapter restarts before') {
      this.#list = new DialogList();
      this.#source.listPosition = undefined;
      this.#reconciler.reset();
    }
    this.#now += 60_000;
    expect(this.#reconciler.begin(this.#now)).toBe(true);
    this.#state.onRoundBegun([...this.known.values()].at(-1), [undefined]);
    if (fault === 'object is lost before the reply') {
      this.hibernate();
      return;
    }
    const requests = this.#reconciler.takeRequests();
    for (let request = requests.shift(); request; request = requests.shift()) {
      this.requests++;
      const isLookUp = request.type === 'mi';
      if (isLookUp && fault === 'no look-ups') continue;
      const reply = { type: 'reply', seq: this.requests, id: request.id, ...this.#reply(request, fault) };
      this.characters += JSON.stringify(request).length + JSON.stringify(reply).length;
      this.#reconciler.onReply(reply, this.#now);
      requests.push(...this.#reconciler.takeRequests());
    }
  }

  hibernate(): void {
    for (const call of this.known.values()) call.lastRound = 0;
    this.#state = new ReconcileState();
    this.#reconciler = this.#create();
  }

  #reply(request: ReconcileRequest, fault: Fault) {
    if (request.type === 'mi') {
      const dialog = this.dialogs.get(String(request.params['callid']));
      return dialog ? { result: { Dialog: dialog } } : { error: { code: 404, message: 'No such dialog' } };
    }
    const { after, fresh } = request.params;
    const isComplete = fault !== 'pass with gaps';
    const found = [...this.dialogs.values()].filter((_, n) => isComplete || n % 2 === 0);
    if (fresh === 1) this.#list.update(found, isComplete);
    return { result: this.#list.changesAfter(after) };
  }

  #note(callid: string): KnownCall {
    const known = this.known.get(callid);
    if (known) return known;
    const call: KnownCall = {
      callid,
      firstSeq: ++this.#lastSeq,
      lastRound: 0,
      adapter: undefined,
      hasDialog: false,
      peek: () => ({ dialogs: call.hasDialog ? [callid] : [] }),
    };
    this.known.set(callid, call);
    return call;
  }

  #create(): DialogReconciler {
    const onFound = ({ callid }: Dialog, round: number) =>
      void Object.assign(this.#note(callid), { lastRound: round, hasDialog: true });
    return new DialogReconciler(
      {
        onDialog: onFound,
        onLookUp: (dialog) => onFound(dialog, 0),
        onMissing: (callid) => void this.known.delete(callid),
        onRoundRead: (round, completeSince, _, before) => {
          const isComplete = completeSince !== undefined;
          const active = this.known.values();
          const { gone, unclear } = this.#state.unlisted(active, round, isComplete, undefined, before);
          for (const callid of gone) this.known.delete(callid);
          return unclear;
        },
        newestCall: () => [...this.known.values()].at(-1)?.firstSeq ?? 0,
      },
      this.#source,
    );
  }
}

const anyCall = fc.nat({ max: 9 }).map((n) => `call ${n}`);
const anyStep = fc.oneof(
  fc.record({ type: fc.constantFrom('begin', 'end'), callid: anyCall, isSeen: fc.boolean() }),
  fc.record({
    type: fc.constant('round'),
    fault: fc.constantFrom<Fault>(
      'none',
      'pass with gaps',
      'no look-ups',
      'object is lost before the reply',
      'adapter restarts before',
    ),
  }),
  fc.record({ type: fc.constant('hibernate') }),
) as fc.Arbitrary<{ type: string; callid: string; isSeen: boolean; fault: Fault }>;

it('after a round without a fault, the edge has the calls of OpenSIPS', () =>
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
      const site = new Site();
      for (const { type, callid, isSeen, fault } of steps) {
        if (type === 'begin') site.begin(callid, isSeen);
        else if (type === 'end') site.end(callid, isSeen);
        else if (type === 'hibernate') site.hibernate();
        else site.round(fault);
      }
      site.round('none');
      expect(new Set(site.known.keys())).toEqual(new Set(site.dialogs.keys()));
    }),
    { numRuns: 1_000 },
  ));

it('a call that the list has never contained, and that a look-up has found, ends too', () => {
  const site = new Site();
  site.begin('not seen', false);
  site.begin('not listed', true);
  site.round('pass with gaps');
  expect(new Set(site.known.keys())).toEqual(new Set(['not seen', 'not listed']));
  site.end('not listed', false);
  site.round('none');
  expect(new Set(site.known.keys())).toEqual(new Set(['not seen']));
});

it('takes one request for a round in which nothing has changed, after a hibernation too', () => {
  const site = new Site();
  for (let n = 0; n < 5_000; n++) site.begin(`call ${n}`, true);
  site.round('none');
  for (const isAfterHibernation of [false, true]) {
    if (isAfterHibernation) site.hibernate();
    const before = site.requests;
    site.round('none');
    expect(site.requests - before).toBe(1);
  }
  expect(site.known.size).toBe(5_000);
});

it('takes at most 400 bytes for a round in which nothing has changed, and at most 400 more for each call that has', () => {
  const site = new Site();
  for (let n = 0; n < 5_000; n++) site.begin(`call-${n}`.padEnd(40, 'c'), true);
  site.round('none');
  const charactersOf = (change: () => void) => {
    const before = site.characters;
    change();
    site.round('none');
    return site.characters - before;
  };
  const unchanged = charactersOf(() => {});
  expect(unchanged).toBeLessThanOrEqual(400);
  const bytesPerCall = (change: (callid: string) => void) =>
    (charactersOf(() => {
      for (let n = 0; n < 10; n++) change(`call-${n}`.padEnd(40, 'c'));
    }) -
      unchanged) /
    10;
  expect(bytesPerCall((callid) => site.end(callid, false))).toBeLessThanOrEqual(400);
  expect(bytesPerCall((callid) => site.begin(callid, false))).toBeLessThanOrEqual(400);
});
