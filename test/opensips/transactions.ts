/**
 * A phone's UDP socket with its transactions (RFC 3261 §17): requests are sent again until they are answered, a
 * request that comes twice gets the same reply, and all of it ends.
 * @module
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import {
  type Address,
  type Body,
  type Header,
  header,
  parse,
  type Reply,
  type Request,
  serialize,
} from './sip-message.ts';

/** RFC 3261 §17.1.1.1; a transaction lives for 64 × T1. */
const T1_MS = 500;
const T2_MS = 4_000;
const LIFE_MS = 64 * T1_MS;
/** No test takes so long: a phone that was forgotten ends by itself. */
const SOCKET_LIFE_MS = 300_000;

const REASONS: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  200: 'OK',
  202: 'Accepted',
  405: 'Method Not Allowed',
  481: 'Call/Transaction Does Not Exist',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  603: 'Decline',
};

/** A request to be sent. The branch is made, unless an ACK belongs to an earlier one. */
export interface Outgoing {
  readonly method: string;
  readonly uri: string;
  readonly to: Address;
  readonly headers: readonly Header[];
  readonly body?: Body;
  readonly branch?: string;
}

/** A request of ours that may still be answered. */
interface Asked {
  readonly request: Outgoing;
  readonly branch: string;
  readonly onReply: (reply: Reply) => void;
  /** How far it has got. */
  heard: 'nothing' | 'provisional' | 'final';
}

export class Transactions {
  readonly #socket: Socket = createSocket('udp4');
  readonly #onRequest: (request: Request, from: Address) => void;
  readonly #asked = new Map<string, Asked>();
  /** The last reply to each request; empty while there is none. */
  readonly #replies = new Map<string, string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #closed = false;

  private constructor(onRequest: (request: Request, from: Address) => void) {
    this.#onRequest = onRequest;
    this.#socket.on('message', (datagram, { address: host, port }) =>
      this.#receive(`${datagram}`, { host, port }),
    );
    // Where nobody listens at the far end, as while OpenSIPS restarts: sending again deals with it.
    this.#socket.on('error', () => {});
    this.#socket.unref();
  }

  /** Opens a socket on loopback, at any free port. */
  static async open(onRequest: (request: Request, from: Address) => void): Promise<Transactions> {
    const transactions = new Transactions(onRequest);
    transactions.#socket.bind(0, '127.0.0.1');
    await once(transactions.#socket, 'listening');
    transactions.after(SOCKET_LIFE_MS, () => transactions.close());
    return transactions;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#socket.close();
  }

  /** Runs it later, unless the phone has ended by then. */
  after(ms: number, action: () => void): void {
    if (this.#closed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms).unref();
    this.#timers.add(timer);
  }

  /** Sends a request, again and again while nothing comes back. `onReply` gets each reply but late refusals. */
  send(request: Outgoing, onReply: (reply: Reply) => void = () => {}): void {
    const { method, branch = `z9hG4bK${random()}` } = request;
    const text = this.#write(request, branch);
    this.put(text, request.to);
    // An ACK has no reply.
    if (method === 'ACK') return;
    const asked: Asked = { request, branch, onReply, heard: 'nothing' };
    this.#asked.set(key(branch, method), asked);
    const over = () => asked.heard === 'final' || (method === 'INVITE' && asked.heard === 'provisional');
    this.#repeat(text, request.to, over);
  }

  /** Answers a request; gives the reply as it was sent. */
  reply(
    request: Request,
    to: Address,
    status: number,
    tag: string,
    more: readonly Header[] = [],
    body?: Body,
  ): string {
    const copied = request.headers.flatMap(([name, value]): Header[] => {
      if (name === 'to') return [['To', /;\s*tag=/.test(value) ? value : `${value};tag=${tag}`]];
      const kept = name === 'record-route' ? status > 100 && status < 300 : COPIED.has(name);
      return kept ? [[name, value]] : [];
    });
    const text = serialize(`SIP/2.0 ${status} ${REASONS[status] ?? 'Unknown'}`, [...copied, ...more], body);
    this.#replies.set(key(request.branch, request.method), text);
    this.put(text, to);
    return text;
  }

  /** Sends a 2xx again until its ACK has come (RFC 3261 §13.3.1.4). */
  untilAcknowledged(text: string, to: Address, acknowledged: () => boolean): void {
    this.#repeat(text, to, acknowledged);
  }

  put(text: string, { host, port }: Address): void {
    if (!this.#closed) this.#socket.send(text, port, host);
  }

  #write({ method, uri, headers, body }: Outgoing, branch: string): string {
    const via: Header = ['Via', `SIP/2.0/UDP 127.0.0.1:${this.port};branch=${branch};rport`];
    return serialize(`${method} ${uri} SIP/2.0`, [via, ['Max-Forwards', '70'], ...headers], body);
  }

  #repeat(text: string, to: Address, over: () => boolean, pause = T1_MS, passed = 0): void {
    if (passed > LIFE_MS) return;
    this.after(pause, () => {
      if (over()) return;
      this.put(text, to);
      this.#repeat(text, to, over, Math.min(pause * 2, T2_MS), passed + pause);
    });
  }

  #receive(text: string, from: Address): void {
    const message = parse(text);
    if (!message) return;
    if ('status' in message) this.#onReply(message);
    else this.#onFirst(message, from);
  }

  #onFirst(request: Request, from: Address): void {
    const name = key(request.branch, request.method);
    const known = this.#replies.get(name);
    if (known !== undefined) {
      if (known !== '') this.put(known, from);
      return;
    }
    if (request.method !== 'ACK') this.#replies.set(name, '');
    this.#onRequest(request, from);
  }

  #onReply(reply: Reply): void {
    const asked = this.#asked.get(key(reply.branch, reply.method));
    if (!asked) return;
    const isInvite = reply.method === 'INVITE';
    if (isInvite && reply.status >= 300) this.#acknowledge(asked, reply);
    // A 2xx that comes again wants its ACK again; any other final counts once.
    if (asked.heard === 'final' && !(isInvite && reply.status >= 200 && reply.status < 300)) return;
    asked.heard = reply.status >= 200 ? 'final' : 'provisional';
    asked.onReply(reply);
  }

  /** The ACK of a refusal belongs to the INVITE's transaction (RFC 3261 §17.1.1.3). */
  #acknowledge({ request: { uri, to, headers: sent }, branch }: Asked, reply: Reply): void {
    const headers: Header[] = [
      ...sent.filter(([name]) => ['From', 'Call-ID', 'Route'].includes(name)),
      ['To', header(reply, 'to')],
      ['CSeq', `${reply.cseq} ACK`],
    ];
    this.send({ method: 'ACK', uri, to, headers, branch });
  }
}

const COPIED = new Set(['via', 'from', 'call-id', 'cseq']);

function key(branch: string, method: string): string {
  return `${branch} ${method}`;
}

/** For tags, branches and Call-IDs. */
export function random(): string {
  return crypto.randomUUID().replaceAll('-', '').slice(0, 16);
}
