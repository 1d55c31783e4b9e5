/**
 * Runs a history with two sites: one hibernates and crashes, the other one never sleeps. Both must show the same at every question.
 * After a crash, which may lose what nobody was shown, the second one begins again with what the first one has kept.
 * @module
 */

import { expect } from 'vitest';
import { dialogState, type EviEvent } from '../../../shared/opensips/evi.ts';
import { MEMORY_LIMITS } from '../../switchboard/calls/memory-limits.ts';
import { holdEvent, transferEvent } from '../scenarios.ts';
import { CALLS, type HistoryPlan, type Step, type StepKind } from './history.ts';
import { MemorySql } from './memory-sql.ts';
import { ShownNumbers } from './shown-numbers.ts';
import { newCommand, nextSteps } from './simulated-commands.ts';
import { SimulatedOpenSips } from './simulated-opensips.ts';
import { SimulatedSite, shownOf } from './simulated-site.ts';

/** How often something has happened. */
export type Counts = Partial<
  Record<StepKind | 'shown' | 'replayed' | 'reset' | 'carried' | 'dropped', number>
>;

const STATUSES = ['486 Busy Here', '302 Moved Temporarily', '404 Not Found'];

export class TwoSites {
  readonly counts: Counts = {};
  readonly #sleeper: SimulatedSite;
  #model: SimulatedSite;
  readonly #opensips = new SimulatedOpenSips();
  readonly #shown = new ShownNumbers();
  #now = 1_000_000;
  #commandCount = 0;
  /** The last number that each client was sent. */
  readonly #lastSeq = new Map<number, number>();
  readonly #handlers: Record<StepKind, (step: Step & { readonly callid: string }) => void> = {
    ring: ({ callid, choice }) => this.#advance(callid, choice, dialogState.ringing),
    answer: ({ callid, choice }) => this.#advance(callid, choice, dialogState.answered),
    acknowledge: ({ callid, choice }) => this.#advance(callid, choice, dialogState.acknowledged),
    end: ({ callid, choice }) => this.#advance(callid, choice, dialogState.ended),
    loseEnd: ({ callid, choice }) => this.#opensips.advance(callid, choice, dialogState.ended, this.#now),
    hold: ({ callid, choice }) => this.#raise(holdEvent(callid, legOf(choice), 'ok', 'hold')),
    unhold: ({ callid, choice }) => this.#raise(holdEvent(callid, legOf(choice), 'ok', 'unhold')),
    transfer: ({ call, callid, choice }) => {
      const state = ['start', 'ok', 'fail'][choice % 3] ?? 'ok';
      this.#raise(transferEvent(callid, state, statusOf(choice), `call-${(call + 1) % CALLS}`));
    },
    bye: ({ callid }) => this.#raise({ name: 'E_CALL_BYE', params: { callid, leg: 'caller' } }),
    refuse: ({ callid, choice }) => {
      // One that comes before its call is kept in memory only: the dialog follows at once or never.
      if (!this.#sleeper.calls.get(callid)) return;
      this.#raise({ name: 'E_CALL_REFUSED', params: { callid, osid: '', status: statusOf(choice) } });
    },
    lookUp: ({ callid }) => this.#both((site) => this.#lookUp(site, callid)),
    round: () => this.#both((site) => this.#reconcile(site)),
    startCommand: ({ callid, choice }) => this.#startCommand(callid, choice),
    continueCommand: ({ choice }) => this.#continueCommand(choice),
    watch: ({ choice }) => this.#watch(choice % 3, choice < 18),
    unwatch: ({ choice }) => this.#both((site) => site.unwatch(choice % 3, this.#now)),
    ask: ({ choice }) => this.#ask(choice),
    commit: () => this.#commit(),
    plug: () => this.#both((site) => site.setPlugged(!site.isPlugged)),
    pause: ({ choice }) => {
      this.#now += choice % 2 === 0 ? 700_000 : 90_000;
    },
    drop: () => {
      this.#now += 15_000;
      const { firstKept } = this.#sleeper;
      this.#both((site) => site.trim(this.#now));
      if (this.#sleeper.firstKept > firstKept) this.#count('dropped');
    },
    sleep: () => this.#sleep(),
    crash: () => this.#crash(),
  };
  /** Events that the adapter repeats after a crash, because they are not acknowledged. */
  #unacknowledged: EviEvent[] = [];

  constructor({ memory }: HistoryPlan) {
    this.#sleeper = new SimulatedSite(new MemorySql(), memory);
    // Calls with a long text are copied when a segment is dropped, and the copies take numbers.
    this.#model = new SimulatedSite(new MemorySql(), { ...MEMORY_LIMITS, maxText: memory.maxText });
  }

  run({ steps }: HistoryPlan): void {
    for (const step of steps) {
      this.#now += 1_000 * step.seconds;
      this.#count(step.kind);
      this.#handlers[step.kind]({ ...step, callid: `call-${step.call}` });
      this.#followWatchers();
    }
    this.#ask(0);
  }

  #advance(callid: string, choice: number, state: number): void {
    const event = this.#opensips.advance(callid, choice % 4 === 0 ? 1 : 0, state, this.#now);
    if (event) this.#raise(event);
  }

  #raise(event: EviEvent): void {
    if (!this.#sleeper.isPlugged) return;
    this.#unacknowledged.push(event);
    this.#both((site) => site.calls.onEvent(event, this.#now));
  }

  #lookUp({ calls }: SimulatedSite, callid: string): void {
    const dialog = this.#opensips.find(callid);
    if (dialog) calls.onLookUp(dialog, this.#now, this.#now);
    else calls.onMissing(callid, this.#now, this.#now);
  }

  #reconcile(site: SimulatedSite): void {
    const { calls } = site;
    site.round++;
    calls.onRoundBegun();
    for (const dialog of this.#opensips.list()) calls.onDialog(dialog, site.round, this.#now);
    // As if the list was incomplete: what is missing in it is looked up, in an order that does not depend on what is known of it.
    for (const callid of calls.onRoundRead(site.round, undefined, this.#now)) this.#lookUp(site, callid);
  }

  #startCommand(callid: string, choice: number): void {
    const cmdId = `command-${++this.#commandCount}`;
    const command = newCommand(cmdId, choice % 5 === 0 ? `leg-${cmdId}` : callid, choice);
    const request = command.method === 'CallEnd' ? { dialog_id: callid } : undefined;
    this.#bothCommit((site) => site.start(command, request, this.#now));
  }

  #continueCommand(choice: number): void {
    const commands = [...this.#sleeper.commands.keys()];
    const cmdId = commands[choice % Math.max(1, commands.length)];
    const command = cmdId === undefined ? undefined : this.#sleeper.commands.get(cmdId);
    if (cmdId === undefined || !command) return;
    const possible = nextSteps(command, choice);
    const step = possible[choice % possible.length];
    this.#bothCommit((site) => {
      if (step?.type === 'notify') site.notify(cmdId, step.content, this.#now);
      if (step?.type === 'reply') site.reply(cmdId, step.error, this.#now);
    });
  }

  #watch(client: number, resumes: boolean): void {
    const since = resumes ? this.#lastSeq.get(client) : undefined;
    const watched = this.#sleeper.watch(client, since, this.#now);
    expect(watched, 'what a watcher receives first').toEqual(this.#model.watch(client, since, this.#now));
    this.#unacknowledged = [];
    if (since !== undefined) this.#count(watched.isReset ? 'reset' : 'replayed');
    expect(watched.seq).toBeGreaterThan(this.#shown.highest);
    this.#shown.noteCalls(watched.calls);
    this.#shown.noteChanges(watched.changes);
    this.#shown.note(watched.seq);
    this.#lastSeq.set(client, watched.seq);
  }

  /** Asks everything that a client, a command or the limits can ask. */
  #ask(choice: number): void {
    this.#bothCommit((site) => site.show(this.#now));
    const answers = this.#answers(this.#sleeper, choice);
    expect(answers).toEqual(this.#answers(this.#model, choice));
    this.#count('shown');
    this.#shown.noteCalls(answers.found);
    for (const { timeline = [] } of answers.found) this.#shown.noteTimeline(timeline);
  }

  #answers(site: SimulatedSite, choice: number) {
    const { calls, lastSeq } = site;
    const listed = calls.list({}, 99).calls;
    const found = listed.map(({ callid }) => {
      const record = calls.get(callid);
      return {
        ...(record?.call ?? {}),
        callid,
        seq: record?.call.seq ?? 0,
        timeline: record ? [...record.timeline] : [],
        owner: calls.ownerOf(callid),
        held: calls.heldLegs(callid),
        dialog: calls.dialogOf(callid),
      };
    });
    const since = Math.max(0, lastSeq - 3 * choice);
    return {
      listed,
      found,
      since,
      changes: site.changesSince(since)?.map(shownOf),
      counts: [calls.activeCount, calls.countedSize],
    };
  }

  #commit(): void {
    this.#bothCommit((site) => site.commit(this.#now));
  }

  /** The platform does not hibernate an object that has a timer, so what is due is written before. */
  #sleep(): void {
    const isAwake = this.#sleeper.endTurn(this.#now);
    this.#model.endTurn(this.#now);
    if (isAwake) this.#commit();
    if (this.#sleeper.calls.unlogged.lines.length > 0) this.#count('carried');
    this.#now += 10_000;
    this.#sleeper.hibernate();
    expect(this.#sleeper.lastSeq).toBeGreaterThanOrEqual(this.#shown.highest);
  }

  #crash(): void {
    const site = this.#sleeper;
    this.#now += 1_000;
    site.crash(this.#now);
    expect(site.lastSeq, 'numbers are not used again').toBeGreaterThanOrEqual(this.#shown.highest);
    for (const event of this.#unacknowledged.splice(0)) site.calls.onEvent(event, this.#now);
    this.#reconcile(site);
    site.show(this.#now);
    this.#reconcile(this.#model);
    for (const { callid, state } of this.#opensips.list()) {
      const call = site.calls.get(callid)?.call;
      const expected = this.#model.calls.get(callid)?.call;
      const { state: now = 'ended' } = call ?? {};
      expect(now === 'ended', `${callid} has ended`).toBe(expected?.state === 'ended');
      if (state >= dialogState.answered && expected?.answered !== undefined)
        expect(call?.answered, `${callid} is answered`).toBeDefined();
    }
    this.#shown.expectKept(site.calls, site.firstKept);
    this.#model = site.fork();
  }

  #both(act: (site: SimulatedSite) => void): void {
    act(this.#sleeper);
    act(this.#model);
    this.#model.endTurn(this.#now);
    if (!this.#sleeper.endTurn(this.#now)) this.#unacknowledged = [];
  }

  #bothCommit(act: (site: SimulatedSite) => void): void {
    act(this.#sleeper);
    act(this.#model);
    this.#unacknowledged = [];
  }

  /** Watchers are sent the same by both. */
  #followWatchers(): void {
    const { sent, watching } = this.#sleeper;
    expect(sent, 'what watchers are sent').toEqual(this.#model.sent);
    this.#shown.noteChanges(sent);
    const last = sent.at(-1);
    if (last) for (const client of watching) this.#lastSeq.set(client, last.seq);
    this.#sleeper.sent = [];
    this.#model.sent = [];
  }

  #count(what: keyof Counts): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }
}

function legOf(choice: number): string {
  return choice % 2 === 0 ? 'caller' : 'callee';
}

function statusOf(choice: number): string {
  return STATUSES[choice % STATUSES.length] ?? '';
}
