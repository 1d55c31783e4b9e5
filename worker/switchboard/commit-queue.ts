/**
 * Ends a turn: stores what has changed, then sends the output. The platform makes the writes of a turn one transaction, and holds
 * what is sent until that is on disk.
 *
 * The output of a turn waits for its write, and each write for the disk. So a turn without output is stored together with the next
 * one that has some, and a busy site gathers turns. Nothing has left before the write, and the adapter repeats what was not
 * acknowledged, so a crash before the write loses nothing.
 * @module
 */
import { LONGEST_TIMER_MS } from '../../shared/commands/deadlines.ts';
import type { Alarm } from '../objects/alarm.ts';
import { carryUnlogged } from './calls/unlogged-changes.ts';
import { type Components, isSiteWatched } from './components.ts';
import { ReconcileRounds } from './link/reconcile-rounds.ts';
import type { RpcReply } from './rpc/rpc-server.ts';

/**
 * From this many pending MI requests on, turns within {@link GATHER_MS} are stored together: they wait longer for the disk than for
 * each other. It is half of what 16 callers have pending: at 16 it was a matter of chance whether turns were gathered, and a
 * call took a third more processor time when they were not.
 */
const BUSY_REQUESTS = 8;
const GATHER_MS = 1;

/**
 * From this many running commands on, turns that only notify clients are stored together if they come within {@link NOTIFY_GATHER_MS}: over
 * a real network each message of an adapter arrives by itself, and each turn costs a row. MI requests are not held up by that.
 */
const BUSY_COMMANDS = 3;
const NOTIFY_GATHER_MS = 5;

/** A turn without output is stored this much later: what it waits for is usually a millisecond away. */
const SILENT_COMMIT_MS = 50;

/** Watchers receive changes this much later, in milliseconds, which nobody sees: a hundred watchers then cost little. */
const WATCHER_FLUSH_MS = 50;

/** A change that only watchers receive is stored this much later, in milliseconds: those that follow it share its row. */
const WATCHED_COMMIT_MS = 20;

export class CommitQueue {
  readonly #components: Components;
  readonly #alarm: Alarm;
  readonly #rounds: ReconcileRounds;
  #afterCommit: (() => void)[] = [];
  #commitTimer: { readonly ms: number; readonly id: ReturnType<typeof setTimeout> } | undefined;
  #watcherTimer: ReturnType<typeof setTimeout> | undefined;
  #diagnosisTimer: ReturnType<typeof setTimeout> | undefined;
  #dueTimer: { readonly at: number; readonly id: ReturnType<typeof setTimeout> } | undefined;

  constructor(components: Components, alarm: Alarm) {
    this.#components = components;
    this.#alarm = alarm;
    this.#rounds = new ReconcileRounds(components);
  }

  /** Calls `send` once this turn is stored. */
  afterCommit(send: () => void): void {
    this.#afterCommit.push(send);
  }

  /** Sends the reply to a message once this turn is stored. */
  reply(socket: WebSocket, { responses, batch, notifications = [] }: RpcReply): void {
    if (responses.length === 0 && notifications.length === 0) return;
    const { sessions, output } = this.#components;
    this.afterCommit(() => {
      sessions.answer(socket, responses, batch);
      for (const text of notifications) output.send(socket, text);
    });
  }

  /** Ends the turn: commits now or soon, depending on its output. */
  endTurn(now: number): void {
    const { runner, link, reconciler, calls, diagnosis, dialing } = this.#components;
    const hasOutput = [runner, link, reconciler, diagnosis].some((component) => component.hasOutput);
    if (this.#afterCommit.length > 0 || hasOutput) {
      const gatherMs = this.#gatherMs;
      if (gatherMs > 0) this.#commitWithin(gatherMs);
      else this.commit(now);
    } else if (calls.hasOutput) {
      this.#commitWithin(WATCHED_COMMIT_MS);
    } else if (runner.hasUnwritten || calls.hasUnwritten || this.#rounds.isRequested) {
      this.#commitWithin(SILENT_COMMIT_MS);
    } else if (this.#commitTimer === undefined) {
      if (carryUnlogged(link.socket, calls.unlogged)) link.flush([], false);
      else this.#commitWithin(SILENT_COMMIT_MS);
    }
    dialing.check(now);
  }

  /** Stores, then sends. */
  commit(now: number): void {
    if (this.#commitTimer) clearTimeout(this.#commitTimer.id);
    this.#commitTimer = undefined;
    const {
      runner,
      link,
      commandLog,
      calls,
      reconciler,
      sessions,
      watchers,
      diagnosis,
      logNotifier,
      dialing,
    } = this.#components;
    const status = link.takeStatusChange();
    if (status) calls.onLinkStatus(status, link.roles, now);
    this.#rounds.run(this.isWatched, now);
    const { rows, requests, notifications } = runner.takeOutput(
      commandLog.segments.takeCopyCommandsBefore(now),
    );
    const { applied } = link;
    const lines = rows.length > 0 ? calls.takeLinesForCommands() : [];
    for (const [index, { position, commands }] of rows.entries()) {
      const restoreFrom = runner.restoreFrom(position);
      const along = index === 0 && lines.length > 0 ? { calls: lines } : {};
      commandLog.append({ position, commands, restoreFrom, applied, at: now, ...along }, now);
    }
    calls.write(runner.restoreFrom(runner.lastSeq), now);
    const changes = calls.takeChanges();
    if (changes.length > 0 || notifications.some(({ isResent }) => !isResent))
      logNotifier.onWritten(runner.lastSeq, now);
    calls.onRequestsSent(requests);
    if (!carryUnlogged(link.socket, calls.unlogged)) {
      calls.requestWriteOfAll();
      calls.write(runner.restoreFrom(runner.lastSeq), now);
      carryUnlogged(link.socket, calls.unlogged);
    }
    this.armAlarm(now);
    this.#armDiagnosis(now);
    const { followed } = runner;
    link.tellInterest({
      isWatched: watchers.any,
      followed: followed.callids,
      changes: followed.takeChanges(),
    });
    link.flush([...requests, ...reconciler.takeRequests(), ...diagnosis.takeRequests()], rows.length > 0);
    for (const send of this.#afterCommit.splice(0)) send();
    for (const { socket, response } of diagnosis.takeResponses())
      sessions.answer(socket, [JSON.stringify(response)], false);
    for (const logged of notifications) sessions.notify(logged);
    if (watchers.any) watchers.queueChanges(changes);
    watchers.queueNotifications(notifications);
    if (watchers.hasQueued) this.#flushWatchersWithin(WATCHER_FLUSH_MS);
    dialing.check(now);
  }

  /** Arms the alarm for the first of all deadlines, and a timer for one that is near. Setting an alarm costs a row. */
  armAlarm(now: number): void {
    const { runner, commandLog, sessions, link, logNotifier } = this.#components;
    const { isWatched } = this;
    const due = Math.min(
      runner.nextDue,
      commandLog.segments.due,
      sessions.due,
      link.due(isWatched, runner.size > 0),
      this.#rounds.due(isWatched),
      logNotifier.due,
    );
    this.#alarm.arm(Math.max(due, now + LONGEST_TIMER_MS), now);
    if (runner.nextDue <= now + LONGEST_TIMER_MS) this.#fireTimersAt(runner.nextDue, now);
  }

  #fireTimersAt(at: number, now: number): void {
    if (this.#dueTimer && this.#dueTimer.at <= at) return;
    if (this.#dueTimer) clearTimeout(this.#dueTimer.id);
    const onDue = () => {
      this.#dueTimer = undefined;
      this.#components.runner.fireDueTimers(Date.now());
      this.commit(Date.now());
    };
    this.#dueTimer = { at, id: setTimeout(onDue, Math.max(at - now, 1)) };
  }

  /** How long a turn with output waits for others, in milliseconds. */
  get #gatherMs(): number {
    const { runner, link, diagnosis } = this.#components;
    const hasUrgent = runner.hasRequests || link.hasOutput || diagnosis.hasOutput;
    if (!hasUrgent && runner.size >= BUSY_COMMANDS) return NOTIFY_GATHER_MS;
    return runner.pendingRequests >= BUSY_REQUESTS ? GATHER_MS : 0;
  }

  /** See {@link isSiteWatched}. */
  get isWatched(): boolean {
    return isSiteWatched(this.#components);
  }

  /** Stops for good. Whoever waits for a commit continues, but nothing is stored. */
  stop(): void {
    if (this.#commitTimer) clearTimeout(this.#commitTimer.id);
    if (this.#watcherTimer) clearTimeout(this.#watcherTimer);
    if (this.#diagnosisTimer) clearTimeout(this.#diagnosisTimer);
    if (this.#dueTimer) clearTimeout(this.#dueTimer.id);
    this.#dueTimer = undefined;
    this.#commitTimer = undefined;
    this.#diagnosisTimer = undefined;
    this.#watcherTimer = undefined;
    for (const send of this.#afterCommit.splice(0)) send();
  }

  /** Answers a diagnosis in time. It needs no alarm, which would cost a row: diagnoses are in memory only. */
  #armDiagnosis(now: number): void {
    const { diagnosis } = this.#components;
    const { due } = diagnosis;
    if (due === Number.POSITIVE_INFINITY || this.#diagnosisTimer) return;
    const onDue = () => {
      this.#diagnosisTimer = undefined;
      diagnosis.completeOverdue(Date.now());
      this.commit(Date.now());
    };
    this.#diagnosisTimer = setTimeout(onDue, Math.max(due - now, 1));
  }

  /** Commits within this time. The platform does not hibernate an object that has a timer. */
  #commitWithin(ms: number): void {
    if (this.#commitTimer && this.#commitTimer.ms <= ms) return;
    if (this.#commitTimer) clearTimeout(this.#commitTimer.id);
    this.#commitTimer = { ms, id: setTimeout(() => this.commit(Date.now()), ms) };
  }

  /** Sends queued changes to watchers within this time, those that accumulate in one frame. */
  #flushWatchersWithin(ms: number): void {
    this.#watcherTimer ??= setTimeout(() => {
      this.#watcherTimer = undefined;
      this.#components.watchers.flush();
    }, ms);
  }
}
