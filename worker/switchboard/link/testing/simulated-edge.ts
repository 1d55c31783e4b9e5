/** The edge: its real runner and link. Turns are stored and sent as `CommitQueue` does it. It can hibernate and crash. @module */
import { featuresOf } from '../../../../shared/opensips/features.ts';
import type { EdgeMessage } from '../../../../shared/protocol/link.ts';
import type { OutgoingRequest } from '../../../../shared/runner/mi-requests.ts';
import type { Runner } from '../../../../shared/runner/runner.ts';
import type { Command, NewCommand } from '../../../../shared/runner/stored-command.ts';
import { MemoryLog } from '../../../../shared/testing/memory-log.ts';
import type { VirtualClock } from '../../../../shared/testing/virtual-clock.ts';
import { attachmentOf, isLive } from '../../sockets/attachments.ts';
import type { AppliedPosition } from '../../store/command-log.ts';
import { Link, type LinkListener } from '../link.ts';
import type { FakeSocket } from './fake-socket.ts';
import { LinkTables } from './link-tables.ts';
import type { SimulatedConnection } from './simulated-connection.ts';

/** Receives what the edge does. */
export interface EdgeObserver {
  onSent(message: EdgeMessage): void;
  onNotified(command: Command, event: string): void;
  /** Throws if the message with this number is to fail. */
  beforeApplied(): void;
  /** An event was applied after one that OpenSIPS has raised later. */
  onDisorder(name: string, at: number, lastAt: number): void;
}

const EPOCH = 'epoch';
/** As in `commit-queue.ts`. */
const SILENT_COMMIT_MS = 50;
const KEY = 'key';

export class SimulatedEdge {
  readonly #clock: VirtualClock;
  readonly #observer: EdgeObserver;
  readonly #log = new MemoryLog();
  #storedApplied: readonly AppliedPosition[] = [];
  #runner: Runner;
  #link: Link;
  #sockets: SimulatedConnection[] = [];
  readonly #tables = new LinkTables();
  #isCommitScheduled = false;
  /** When the newest event that was applied was raised; of those before the last row of the log as well, for a crash. */
  #lastEventAt = 0;
  #lastLoggedEventAt = 0;
  /** The stream of the frame that is handled. */
  #stream = '';
  /** Counts crashes, so that a timer of an earlier life does nothing. */
  #life = 0;
  /** What was applied in turns that are stored, and since then, as `stream/seq`. */
  readonly #durable = new Set<string>();
  #volatile: string[] = [];

  constructor(clock: VirtualClock, observer: EdgeObserver) {
    this.#clock = clock;
    this.#observer = observer;
    this.#runner = this.#log.restoreRunner(EPOCH);
    this.#link = this.#restoreLink();
  }

  get runningCount(): number {
    return this.#runner.size;
  }

  get nextDue(): number {
    return Math.min(this.#runner.nextDue, this.#link.due(false, this.#runner.size > 0));
  }

  /** Returns whether a message was applied, and its turn is stored. */
  hasStored(stream: string, seq: number): boolean {
    return this.#durable.has(`${stream}/${seq}`);
  }

  accept(socket: SimulatedConnection): void {
    this.#link.accept(socket as unknown as WebSocket, KEY, this.#clock.now);
  }

  onFrame(fake: FakeSocket, text: string): void {
    const socket = fake as unknown as WebSocket;
    if (!isLive(socket)) return;
    const { now } = this.#clock;
    this.#runner.fireDueTimers(now);
    const attachment = attachmentOf(socket);
    if (attachment.kind !== 'adapter') return;
    this.#stream = attachment.hello?.stream ?? '';
    this.#link.onMessage(socket, attachment, text, now);
    this.#endTurn();
  }

  onClosed(fake: FakeSocket): void {
    this.#sockets = this.#sockets.filter((each) => each !== fake);
    this.#link.onClosed(fake as unknown as WebSocket, this.#clock.now);
    this.#endTurn();
  }

  /** Starts a command, unless no adapter is connected. */
  start(command: NewCommand, callid: string, isAnswered: (callid: string) => boolean): Command | undefined {
    const { now } = this.#clock;
    this.#runner.fireDueTimers(now);
    const opensips = this.#link.opensips(now);
    const options = { callid, nextHop: 'sip:10.0.0.1:5060', isAnswered, isKnown: isAnswered };
    const started =
      opensips && this.#runner.start(command, { ...options, features: featuresOf(opensips) }, now);
    this.#commit();
    return started;
  }

  fireDueTimers(): void {
    if (this.#runner.size > 0) this.#link.checkLiveness(this.#clock.now);
    this.#runner.fireDueTimers(this.#clock.now);
    this.#commit();
  }

  /** The object is discarded and restored, its sockets stay. Returns false if it has a timer, so that the platform keeps it. */
  hibernate(): boolean {
    if (this.#isCommitScheduled) return false;
    this.#restore();
    return true;
  }

  /** The machine is lost: memory, sockets, and what was not stored. */
  crash(): void {
    this.#life++;
    this.#isCommitScheduled = false;
    this.#volatile = [];
    this.#lastEventAt = this.#lastLoggedEventAt;
    const sockets = this.#sockets;
    this.#sockets = [];
    this.#restore();
    for (const socket of sockets) socket.break();
  }

  #restore(): void {
    this.#runner = this.#log.restoreRunner(EPOCH);
    this.#link = this.#restoreLink();
  }

  #restoreLink(): Link {
    const ctx = {
      storage: { sql: this.#tables },
      getWebSockets: () => this.#sockets,
      acceptWebSocket: (socket: SimulatedConnection) => void this.#sockets.push(socket),
      getWebSocketAutoResponseTimestamp: ({ lastPing }: SimulatedConnection) => lastPing,
    } as unknown as DurableObjectState;
    const applied = ({ seq }: { readonly seq?: number }) =>
      void this.#volatile.push(`${this.#stream}/${seq}`);
    const listener: LinkListener = {
      onReply: (reply, now) => {
        this.#observer.beforeApplied();
        this.#runner.onReply(reply, now);
        applied(reply as { seq?: number });
      },
      onEvent: (event, at, now) => {
        this.#observer.beforeApplied();
        if (at < this.#lastEventAt) this.#observer.onDisorder(event.name, at, this.#lastEventAt);
        this.#lastEventAt = at;
        this.#runner.onEvent(event, at, now, (callid) => callid.startsWith('first-'));
        applied(event as { seq?: number });
      },
      resync: (now) => this.#runner.resync(now),
      onLinkUp: (stream, now) => this.#runner.onLinkUp(stream, now),
      onTakeover: (stream, now) => this.#runner.onTakeover(stream, now),
      onLinkRestored: (stream) => this.#runner.onLinkRestored(stream),
      onLinkDown: () => this.#runner.onLinkDown(),
      onAdapterGone: () => {},
      onAllServing: () => {},
    };
    return new Link(ctx, listener, this.#storedApplied);
  }

  #endTurn(): void {
    if (this.#link.hasOutput || this.#runner.hasOutput) this.#commit();
    else if (this.#runner.hasUnwritten) this.#commitLater();
    else if (!this.#isCommitScheduled) this.#flush([], false);
  }

  #commitLater(): void {
    if (this.#isCommitScheduled) return;
    this.#isCommitScheduled = true;
    const life = this.#life;
    this.#clock.schedule(SILENT_COMMIT_MS, () => {
      if (life === this.#life && this.#isCommitScheduled) this.#commit();
    });
  }

  #commit(): void {
    this.#isCommitScheduled = false;
    this.#link.takeStatusChange();
    const output = this.#runner.takeOutput();
    this.#log.append(output, this.#runner);
    const isLogged = output.rows.length > 0;
    if (isLogged) {
      this.#storedApplied = this.#link.applied;
      this.#lastLoggedEventAt = this.#lastEventAt;
    }
    for (const { command, notification } of output.notifications)
      this.#observer.onNotified(command, notification.event);
    this.#flush(output.requests, isLogged);
  }

  #flush(requests: readonly OutgoingRequest[], isLogged: boolean): void {
    for (const applied of this.#volatile.splice(0)) this.#durable.add(applied);
    for (const request of requests) this.#observer.onSent(request);
    this.#link.flush(requests, isLogged);
  }
}
