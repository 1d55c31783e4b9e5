/** The calls that commands have made here and that stand: whose each is, until OpenSIPS says that it has ended. @module */
import { dialogState, type EviEvent } from '../shared/evi.ts';
import type { Command, Told } from '../shared/runner.ts';

/** A call that stands. */
export interface StandingCall {
  /** The subject whose CallStart made it, or the call that it came of by a transfer. */
  readonly owner: string;
  /** When it was answered, in Unix milliseconds. */
  readonly since: number;
}

/** By these a command tells that a call stands; their data has its `callid`. */
const ANSWERED = ['CalleeAnswered', 'TransferSuccessful'];

/** Calls that stand so long are asked for, in milliseconds: what ended one may have been lost on the way. */
export const SURVEY_MS = 3_600_000;

export class Calls {
  readonly #sql: SqlStorage;
  /** By Call-ID, oldest first. */
  readonly #standing = new Map<string, StandingCall>();
  /** What is to be written: `null` for those that have ended. */
  readonly #changes = new Map<string, StandingCall | null>();
  #surveyed: number;
  #surveyChanged = false;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`
      CREATE TABLE IF NOT EXISTS calls (callid TEXT PRIMARY KEY, owner TEXT NOT NULL, since INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS survey (id INTEGER PRIMARY KEY, at INTEGER NOT NULL);
    `);
    const rows = sql.exec<{ callid: string } & Row>('SELECT callid, owner, since FROM calls ORDER BY since');
    for (const { callid, owner, since } of rows) this.#standing.set(callid, { owner, since });
    this.#surveyed = sql.exec<{ at: number }>('SELECT at FROM survey').toArray()[0]?.at ?? 0;
  }

  /** How many stand. */
  get size(): number {
    return this.#standing.size;
  }

  /** Their Call-IDs. */
  get callids(): Iterable<string> {
    return this.#standing.keys();
  }

  /** Whose it is; undefined where it was not made here, or stands no more. */
  ownerOf(callid: string): string | undefined {
    return this.#standing.get(callid)?.owner;
  }

  /** There is something to {@link write}. */
  get changed(): boolean {
    return this.#changes.size > 0 || this.#surveyChanged;
  }

  /** When a survey is due, in Unix milliseconds; infinity while nothing stands. */
  get surveyDue(): number {
    const [oldest] = this.#standing.values();
    return oldest ? Math.max(oldest.since, this.#surveyed) + SURVEY_MS : Number.POSITIVE_INFINITY;
  }

  /** A survey begins: the next one by the clock is due {@link SURVEY_MS} from now. */
  surveyed(now: number): void {
    this.#surveyed = now;
    this.#surveyChanged = true;
  }

  /** A command has told its client something. */
  told({ subject, owner = subject }: Command, { event, data }: Told, now: number): void {
    const callid = ANSWERED.includes(event) ? callidIn(data) : undefined;
    if (callid === undefined) return;
    const call = { owner, since: now };
    this.#standing.set(callid, call);
    this.#changes.set(callid, call);
  }

  /** OpenSIPS has raised an event. */
  event(event: EviEvent): void {
    if (event.name !== 'E_DLG_STATE_CHANGED' || event.params.new_state !== dialogState.ended) return;
    this.ended(event.params.callid);
  }

  /** OpenSIPS knows it no more. */
  ended(callid: string): void {
    if (this.#standing.delete(callid)) this.#changes.set(callid, null);
  }

  /** Stores what has changed: a row for each call that has come about or ended. */
  write(): void {
    for (const [callid, call] of this.#changes) {
      if (call) {
        this.#sql.exec(
          'INSERT OR REPLACE INTO calls (callid, owner, since) VALUES (?, ?, ?)',
          callid,
          call.owner,
          call.since,
        );
      } else {
        this.#sql.exec('DELETE FROM calls WHERE callid = ?', callid);
      }
    }
    this.#changes.clear();
    if (this.#surveyChanged)
      this.#sql.exec('INSERT OR REPLACE INTO survey (id, at) VALUES (1, ?)', this.#surveyed);
    this.#surveyChanged = false;
  }
}

/** Whose the call is that one of these commands is about to make: its client knows the Call-ID before the answer. */
export function ownerOfBegun(callid: string, commands: Iterable<Command>): string | undefined {
  for (const { subject, owner = subject, told } of commands) {
    if (told.some(({ event, data }) => event === 'TransferStart' && callidIn(data) === callid)) return owner;
  }
  return undefined;
}

function callidIn(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null || !('callid' in data)) return undefined;
  return typeof data.callid === 'string' ? data.callid : undefined;
}

type Row = { owner: string; since: number };
