/**
 * The end of a turn: what has changed is written, then what is to be said is sent. The platform makes what a turn
 * writes one transaction by itself, and holds what is sent until that is on disk.
 *
 * What a turn sends waits for a write, and each write for the disk: so a turn that sends nothing writes with the next
 * one that does, and a busy site gathers turns. Until the write nothing has left, and the adapter says again what it
 * was not thanked for; so if we die before, nothing has happened.
 * @module
 */
import { QUIET_MS } from '../shared/deadlines.ts';
import type { Alarm } from './alarm.ts';
import type { Parts } from './parts.ts';
import type { Answer } from './rpc-server.ts';

/**
 * With so many MI requests under way, one waits longer for the disk than for company: what comes within
 * {@link GATHER_MS} is written at once. Half of what 16 callers have under way: at 16 they gathered or did not by chance, and
 * a call took a third more of the thread when they did not.
 */
const BUSY = 8;
const GATHER_MS = 1;

/** For the write of a turn that has nothing to say: what it waits for is mostly a millisecond away. */
const LINGER_MS = 50;

/** Watchers are told so many milliseconds later: nobody sees the difference, and a hundred of them cost little so. */
const TELL_MS = 50;

/** For the write of a change that only watchers are told of, in milliseconds: those that join it share its row. */
const SEEN_MS = 20;

/** An alarm further ahead than this, in milliseconds, is set for its own sake: no command's first wait is so long. */
const FAR_MS = 10_000;

export class Turns {
  readonly #parts: Parts;
  readonly #alarm: Alarm;
  /** Says to clients what is to be said once it is stored. */
  #answers: (() => void)[] = [];
  #timer: { readonly ms: number; readonly id: ReturnType<typeof setTimeout> } | undefined;
  #telling: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: Parts, alarm: Alarm) {
    this.#parts = parts;
    this.#alarm = alarm;
  }

  /** `say` is called once this turn is written. */
  onceWritten(say: () => void): void {
    this.#answers.push(say);
  }

  /** Answers a message, once this turn is written. */
  answer(socket: WebSocket, { responses, batch, after }: Answer): void {
    if (responses.length + after.length === 0) return;
    const { sessions } = this.#parts;
    this.onceWritten(() => {
      sessions.answer(socket, responses, batch);
      sessions.follow(socket, after);
    });
  }

  /** The turn is over: writes now or soon, by what there is to say. */
  end(now: number): void {
    const { runner, link, survey, calls, diagnosis } = this.#parts;
    const busy = runner.awaited >= BUSY;
    if (this.#answers.length > 0 || runner.speaks || link.speaks || survey.speaks || diagnosis.speaks) {
      if (busy) this.#commitWithin(GATHER_MS);
      else this.commit(now);
    } else if (calls.speaks) {
      this.#commitWithin(SEEN_MS);
    } else if (runner.changed || calls.changed || calls.doubted) {
      this.#commitWithin(LINGER_MS);
    } else if (this.#timer === undefined) {
      link.flush([], false);
    }
  }

  /** Writes, then sends. */
  commit(now: number): void {
    if (this.#timer) clearTimeout(this.#timer.id);
    this.#timer = undefined;
    const { runner, link, store, calls, survey, sessions, watchers, diagnosis, herald } = this.#parts;
    const news = link.takeNews();
    if (news) calls.link(news, now);
    this.#survey(now);
    const { rows, requests, told } = runner.take();
    const { applied } = link;
    for (const { position, commands } of rows) {
      const dated = herald.on ? { at: now } : {};
      store.append({ position, commands, floor: runner.floor(position), applied, ...dated }, now);
    }
    calls.write(runner.floor(runner.last), now);
    const seen = calls.takeNews();
    if (seen.length > 0 || told.some(({ again }) => !again)) herald.wrote(runner.last, now);
    this.arm(now);
    link.flush([...requests, ...survey.take(), ...diagnosis.take()], rows.length > 0);
    for (const say of this.#answers.splice(0)) say();
    for (const { socket, response } of diagnosis.takeAnswers()) sessions.answer(socket, [response], false);
    for (const logged of told) sessions.tell(logged);
    if (watchers.any) watchers.tell(seen);
    watchers.tellOfCommands(told);
    if (watchers.waiting) this.#tellWithin(TELL_MS);
  }

  /**
   * Arms the alarm for whatever is due first. Setting it costs a row, so one that must come forward comes far enough
   * for the short waits that will follow.
   */
  arm(now: number): void {
    const { runner, store, sessions, calls, rounds, link, herald } = this.#parts;
    // Without an adapter nobody can be asked: when it comes back, that is a turn.
    const looks = this.looks;
    const round = link.connected ? rounds.due(looks, calls.oldest) : Number.POSITIVE_INFINITY;
    const due = Math.min(runner.due, store.segments.due, sessions.due, link.due(looks), round, herald.due);
    const { at } = this.#alarm;
    if (due >= at) return;
    const alone = at === Number.POSITIVE_INFINITY || due > now + FAR_MS;
    this.#alarm.arm(alone ? due : Math.min(due, now + QUIET_MS));
  }

  /** Does anybody look, so that OpenSIPS is asked often? Webhooks do while there is a call that could end unheard. */
  get looks(): boolean {
    const { watchers, herald, calls } = this.#parts;
    return watchers.any || (herald.on && calls.standing > 0);
  }

  /** There are no more turns. Who waits for one to be written is let go; nothing is. */
  stop(): void {
    if (this.#timer) clearTimeout(this.#timer.id);
    if (this.#telling) clearTimeout(this.#telling);
    this.#timer = undefined;
    this.#telling = undefined;
    for (const say of this.#answers.splice(0)) say();
  }

  /** Asks OpenSIPS how calls stand, where that is due; and who speaks in those that are new. */
  #survey(now: number): void {
    const { calls, survey, link, rounds } = this.#parts;
    const { looks } = this;
    const strangers = calls.strangers();
    const isDue = calls.doubted || now >= rounds.due(looks, calls.oldest);
    if ((!isDue && strangers.length === 0) || !link.connected) return;
    survey.lookUp(strangers);
    if (!isDue) return;
    if (survey.begin(now)) calls.surveyed();
    rounds.begun(looks, now);
  }

  /** Commits so many milliseconds from now at the latest. The platform lets no object sleep that has a timer. */
  #commitWithin(ms: number): void {
    if (this.#timer && this.#timer.ms <= ms) return;
    if (this.#timer) clearTimeout(this.#timer.id);
    this.#timer = { ms, id: setTimeout(() => this.commit(Date.now()), ms) };
  }

  /** Tells watchers so many milliseconds from now: what comes together then goes in one frame to each. */
  #tellWithin(ms: number): void {
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      this.#parts.watchers.flush();
    }, ms);
  }
}
