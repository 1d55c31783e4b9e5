/** Whatever the log, the filter and the pages are, and whatever happens meanwhile: a reader returns each item once, in order. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Call } from '../../../shared/calls/call.ts';
import { SCOPES } from '../../../shared/policy/policy.ts';
import type { Command } from '../../../shared/runner/stored-command.ts';
import { MemorySql } from '../../testing/sleep/memory-sql.ts';
import { storedCommand } from '../../testing/stored-command.ts';
import type { LogLine } from '../calls/call-lines.ts';
import { type Observable, seqOf } from '../calls/watchers.ts';
import type { ClientSocket } from '../sockets/attachments.ts';
import { CommandLog } from '../store/command-log.ts';
import { CallReader } from './call-reader.ts';
import { CommandReader } from './command-reader.ts';
import { MergedReader } from './merged-reader.ts';
import type { ReplayReader } from './replay-reader.ts';

const SUBJECTS = ['me', 'you'];
const SESSIONS = ['one', 'two'];
const CALLIDS = ['a', 'b', 'c'];

/** What happens in a turn of the site: to which command or call, by number. */
type Step = readonly [what: 'notify' | 'end' | 'call' | 'link' | 'mark', which: number];

const turn = fc.record({
  steps: fc.array(
    fc.tuple(fc.constantFrom<Step[0]>('notify', 'notify', 'end', 'call', 'call', 'link', 'mark'), fc.nat(11)),
    { minLength: 1, maxLength: 8 },
  ),
  rowSize: fc.integer({ min: 1, max: 3 }),
});
type Turn = typeof turn extends fc.Arbitrary<infer T> ? T : never;

const plan = fc.record({
  before: fc.array(turn, { maxLength: 20 }),
  /** What happens between two pages. */
  meanwhile: fc.array(fc.option(turn, { nil: undefined }), { maxLength: 20 }),
  /** After which pages the client reconnects, and how much of the page it has received. */
  breaks: fc.array(fc.option(fc.nat(5), { nil: undefined }), { maxLength: 20 }),
  pageBytes: fc.integer({ min: 1, max: 3_000 }),
  since: fc.nat(60),
});

/** A site's log, and what clients were notified of. */
class RandomSite {
  readonly log = new CommandLog(new MemorySql().storage);
  readonly items: Observable[] = [];
  readonly #running = new Map<number, Command>();
  #lastSeq = 0;

  run({ steps, rowSize }: Turn): void {
    const changed = new Set<Command>();
    const lines: LogLine[] = [];
    for (const [what, which] of steps) {
      const seq = ++this.#lastSeq;
      if (what === 'notify' || what === 'end') changed.add(this.#notify(which, seq, what === 'end'));
      else if (what === 'mark') lines.push({ seq, mark: true });
      else lines.push(this.#change(what, which, seq));
    }
    const commands = [...changed];
    while (commands.length > 0)
      this.log.append(
        {
          position: ++this.#lastSeq,
          commands: structuredClone(commands.splice(0, rowSize)),
          restoreFrom: 0,
          applied: [],
          at: 0,
        },
        0,
      );
    for (let from = 0; from < lines.length; from += rowSize) {
      const row = lines.slice(from, from + rowSize);
      const position = row.at(-1)?.seq ?? 0;
      this.log.appendCalls(this.log.segments.writable(position, 0, 0), position, JSON.stringify(row));
    }
  }

  #notify(which: number, seq: number, isEnd: boolean): Command {
    const known = this.#running.get(which);
    const command = known ?? {
      ...storedCommand(seq, 'running', [], SESSIONS[which % 2]),
      subject: SUBJECTS[which % 3 === 0 ? 1 : 0] ?? '',
    };
    this.#running.set(which, command);
    const notification = { seq, event: isEnd ? 'Ended' : 'Reply' };
    command.notifications.push(notification);
    this.items.push({ command, notification });
    if (isEnd) {
      command.state = null;
      this.#running.delete(which);
    }
    return command;
  }

  #change(what: 'call' | 'link', which: number, seq: number) {
    const call = { callid: CALLIDS[which % 3], seq } as Call;
    const line =
      what === 'link'
        ? ({ seq, at: 0, link: 'Down', adapters: [] } as const)
        : ({ seq, at: 0, event: 'Ringing', call, owner: SUBJECTS[which % 2] ?? '' } as const);
    this.items.push(line);
    return line;
  }
}

/** Reads as a client does that reconnects at times, while the site goes on. */
function readAll(
  site: RandomSite,
  {
    meanwhile,
    breaks,
    pageBytes,
    since,
  }: Omit<typeof plan extends fc.Arbitrary<infer T> ? T : never, 'before'>,
  open: (since: number) => ReplayReader,
): Observable[] {
  const received: Observable[] = [];
  let reader = open(since);
  const turns = [...meanwhile];
  const losses = [...breaks];
  while (true) {
    const page = reader.read(pageBytes);
    if (!page) throw new Error('The log has lost something.');
    const arrived = losses.shift();
    received.push(...page.items.slice(0, arrived));
    if (arrived !== undefined) reader = open(Math.max(since, ...received.map(seqOf)));
    const next = turns.shift();
    if (next) site.run(next);
    else if (page.isLast && arrived === undefined && turns.length + losses.length === 0) return received;
  }
}

const viewer = (fields: Partial<ClientSocket>): ClientSocket => ({
  ...{ kind: 'client', subject: 'me', session: 'one', key: 'k', scopes: SCOPES },
  ...fields,
});

const callsOf = (site: RandomSite, client: ClientSocket, since: number) => {
  const reader = new CallReader(
    site.log,
    () => client,
    () => {},
  );
  for (const callid of client.watches?.all ? [undefined] : (client.watches?.callids ?? []))
    reader.add(callid, since);
  return reader;
};

const all = { all: true, callids: [] };
const isOf = (item: Observable, subject: string) => !('call' in item) || item.owner === subject;

const cases: {
  name: string;
  open: (site: RandomSite, since: number) => ReplayReader;
  isExpected: (item: Observable) => boolean;
}[] = [
  {
    name: 'a session',
    open: ({ log }, since) => new CommandReader(log, { subject: 'me', session: 'one' }, since),
    isExpected: (item) =>
      'notification' in item && item.command.subject === 'me' && item.command.session === 'one',
  },
  {
    name: 'a watcher of all calls',
    open: (site, since) => callsOf(site, viewer({ watches: all }), since),
    isExpected: (item) => !('notification' in item),
  },
  {
    name: 'a watcher of two calls',
    open: (site, since) => callsOf(site, viewer({ watches: { all: false, callids: ['a', 'b'] } }), since),
    isExpected: (item) => 'link' in item || ('call' in item && item.call.callid !== 'c'),
  },
  {
    name: 'a watcher that is bound to a caller',
    open: (site, since) => callsOf(site, viewer({ watches: all, caller: 'sip:me@example.com' }), since),
    isExpected: (item) => !('notification' in item) && isOf(item, 'me'),
  },
  {
    name: 'an event stream',
    open: (site, since) =>
      new MergedReader(
        new CommandReader(site.log, { subject: 'me' }, since),
        callsOf(site, viewer({ watches: all, stream: { kind: 'events' } }), since),
      ),
    isExpected: (item) => !('notification' in item) || item.command.subject === 'me',
  },
];

it.each(cases)('returns each item once and in order to $name', ({ open, isExpected }) => {
  fc.assert(
    fc.property(plan, ({ before, ...rest }) => {
      const site = new RandomSite();
      for (const each of before) site.run(each);
      const received = readAll(site, rest, (since) => open(site, since)).map(seqOf);
      const expected = site.items.filter((item) => seqOf(item) > rest.since && isExpected(item)).map(seqOf);
      expect(received).toEqual(expected);
    }),
    { numRuns: 200 },
  );
});

it('reads a second watch from its own number, and returns nothing of the first one twice', () => {
  fc.assert(
    fc.property(
      fc.array(turn, { maxLength: 20 }),
      fc.nat(40),
      fc.nat(40),
      fc.nat(3),
      (turns, one, other, pages) => {
        const site = new RandomSite();
        for (const each of turns) site.run(each);
        const client = viewer({ watches: { all: false, callids: ['a', 'b'] } });
        const reader = new CallReader(
          site.log,
          () => client,
          () => {},
        );
        reader.add('a', one);
        const read = () => reader.read(500)?.items ?? [];
        const received = Array.from({ length: pages }, read).flat();
        const reached = Math.max(one, ...received.map(seqOf));
        reader.add('b', other);
        let page = reader.read(500);
        for (; page && !page.isLast; page = reader.read(500)) received.push(...page.items);
        received.push(...(page?.items ?? []));
        const seqs = (callid: string, items: readonly Observable[]) =>
          items.flatMap((item) => ('call' in item && item.call.callid === callid ? [item.seq] : []));
        expect(reached).toBeGreaterThanOrEqual(one);
        expect(seqs('a', received)).toEqual(seqs('a', site.items).filter((seq) => seq > one));
        expect(seqs('b', received)).toEqual(seqs('b', site.items).filter((seq) => seq > other));
      },
    ),
    { numRuns: 200 },
  );
});

it('returns each notification once to a session that has taken over a command', () => {
  const log = new CommandLog(new MemorySql().storage);
  const append = (position: number, session: string, seqs: number[]) =>
    log.append(
      {
        position,
        commands: [storedCommand(1, 'running', seqs, session)],
        restoreFrom: 0,
        applied: [],
        at: 0,
      },
      0,
    );
  append(3, 'one', [2]);
  append(5, 'two', [2, 4]);
  append(7, 'one', [2, 4, 6]);
  append(9, 'one', [2, 4, 6, 8]);
  const reader = new CommandReader(log, { subject: 'me', session: 'one' }, 0);
  const seqs = [];
  for (let n = 0; n < 5; n++) seqs.push(...(reader.read(1)?.items.map(seqOf) ?? []));
  expect(seqs).toEqual([2, 4, 6, 8]);
});
