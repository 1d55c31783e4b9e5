/**
 * The socket of a phone with its SIP transactions (RFC 3261 §17): it retransmits requests until they are answered,
 * answers a retransmitted request with the same reply, and drops transactions after a timeout.
 * @module
 */
import {
  type Address,
  type Body,
  type Header,
  header,
  parseMessage,
  type Reply,
  type Request,
  serialize,
} from './sip-message.ts';
import { openTransport, type Transport, type TransportName } from './transport.ts';

/** RFC 3261 §17.1.1.1. A transaction lives for 64 × T1. */
const T1_MS = 500;
const T2_MS = 4_000;
const TRANSACTION_TIMEOUT_MS = 64 * T1_MS;
/** Longer than any test: a phone that a test does not close closes by itself. */
const SOCKET_TIMEOUT_MS = 300_000;

const REASON_PHRASES: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  200: 'OK',
  202: 'Accepted',
  302: 'Moved Temporarily',
  405: 'Method Not Allowed',
  407: 'Proxy Authentication Required',
  481: 'Call/Transaction Does Not Exist',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  603: 'Decline',
};

/** A request to send. The branch is generated, unless an ACK belongs to an earlier transaction. */
export interface OutgoingRequest {
  readonly method: string;
  readonly uri: string;
  readonly to: Address;
  readonly headers: readonly Header[];
  readonly body?: Body;
  readonly branch?: string;
}

/** The transaction of a request that the phone has sent. */
interface ClientTransaction {
  readonly request: OutgoingRequest;
  readonly branch: string;
  readonly onReply: (reply: Reply) => void;
  /** The kind of the last reply. */
  progress: 'none' | 'provisional' | 'final';
}

export class Transactions {
  readonly host: string;
  readonly #onRequest: (request: Request, from: Address) => void;
  readonly #clientTransactions = new Map<string, ClientTransaction>();
  /** The last reply to each request; empty before the first one. */
  readonly #replies = new Map<string, string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #transport: Transport | undefined;
  #isClosed = false;
  #isFrozen = false;
  #freezingMethod: string | undefined;

  private constructor(host: string, onRequest: (request: Request, from: Address) => void) {
    this.host = host;
    this.#onRequest = onRequest;
  }

  /** Opens a socket on an address of this machine, at any free port. */
  static async open(
    transport: TransportName,
    host: string,
    onRequest: (request: Request, from: Address) => void,
  ): Promise<Transactions> {
    const transactions = new Transactions(host, onRequest);
    transactions.#transport = await openTransport(transport, host, (text, from) =>
      transactions.#receive(text, from),
    );
    transactions.schedule(SOCKET_TIMEOUT_MS, () => transactions.close());
    return transactions;
  }

  get port(): number {
    return this.#transport?.port ?? 0;
  }

  /**
   * Receives and sends nothing until {@link thaw}, like a phone that has lost its network: at once, or from the next request
   * with that method on, which it does not read.
   */
  freeze(method?: string): void {
    this.#isFrozen = method === undefined;
    this.#freezingMethod = method;
  }

  thaw(): void {
    this.#isFrozen = false;
    this.#freezingMethod = undefined;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#transport?.close();
  }

  /** Runs an action after `ms` milliseconds, unless the socket is closed by then. */
  schedule(ms: number, action: () => void): void {
    if (this.#isClosed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms).unref();
    this.#timers.add(timer);
  }

  /** Sends a request and retransmits it until a reply arrives. `onReply` gets each reply except late refusals. */
  sendRequest(request: OutgoingRequest, onReply: (reply: Reply) => void = () => {}): void {
    const { method, branch = `z9hG4bK${randomToken()}` } = request;
    const text = this.#serializeRequest(request, branch);
    this.#sendDatagram(text, request.to);
    // An ACK has no reply.
    if (method === 'ACK') return;
    const transaction: ClientTransaction = { request, branch, onReply, progress: 'none' };
    this.#clientTransactions.set(transactionKey(branch, method), transaction);
    const isAnswered = () =>
      transaction.progress === 'final' || (method === 'INVITE' && transaction.progress === 'provisional');
    // A reliable transport needs no retransmission (RFC 3261 §17.1.1.2).
    if (this.#transport?.name === 'udp') this.#retransmit(text, request.to, isAnswered);
  }

  /** Replies to a request, and returns the text of the reply. */
  sendReply(
    request: Request,
    to: Address,
    status: number,
    tag: string,
    additionalHeaders: readonly Header[] = [],
    body?: Body,
  ): string {
    const copied = request.headers.flatMap(([name, value]): Header[] => {
      if (name === 'to') return [['To', /;\s*tag=/.test(value) ? value : `${value};tag=${tag}`]];
      const isCopied = name === 'record-route' ? status > 100 && status < 300 : COPIED_HEADERS.has(name);
      return isCopied ? [[name, value]] : [];
    });
    const statusLine = `SIP/2.0 ${status} ${REASON_PHRASES[status] ?? 'Unknown'}`;
    const text = serialize(statusLine, [...copied, ...additionalHeaders], body);
    this.#replies.set(transactionKey(request.branch, request.method), text);
    this.#sendDatagram(text, to);
    return text;
  }

  /** Retransmits a 2xx until its ACK has arrived (RFC 3261 §13.3.1.4). */
  retransmitUntilAcknowledged(text: string, to: Address, isAcknowledged: () => boolean): void {
    this.#retransmit(text, to, isAcknowledged);
  }

  #sendDatagram(text: string, { host, port }: Address): void {
    if (!this.#isClosed && !this.#isFrozen) this.#transport?.send(text, { host, port });
  }

  #serializeRequest({ method, uri, headers, body }: OutgoingRequest, branch: string): string {
    const protocol = (this.#transport?.name ?? 'udp').toUpperCase();
    const via: Header = ['Via', `SIP/2.0/${protocol} ${this.host}:${this.port};branch=${branch};rport`];
    return serialize(`${method} ${uri} SIP/2.0`, [via, ['Max-Forwards', '70'], ...headers], body);
  }

  #retransmit(text: string, to: Address, isDone: () => boolean, intervalMs = T1_MS, elapsedMs = 0): void {
    if (elapsedMs > TRANSACTION_TIMEOUT_MS) return;
    this.schedule(intervalMs, () => {
      if (isDone()) return;
      this.#sendDatagram(text, to);
      this.#retransmit(text, to, isDone, Math.min(intervalMs * 2, T2_MS), elapsedMs + intervalMs);
    });
  }

  #receive(text: string, from: Address): void {
    const message = this.#isFrozen ? undefined : parseMessage(text);
    if (!message) return;
    if (!('status' in message) && message.method === this.#freezingMethod) {
      this.#isFrozen = true;
      return;
    }
    if ('status' in message) this.#receiveReply(message);
    else this.#receiveRequest(message, from);
  }

  #receiveRequest(request: Request, from: Address): void {
    const key = transactionKey(request.branch, request.method);
    const lastReply = this.#replies.get(key);
    if (lastReply !== undefined) {
      if (lastReply !== '') this.#sendDatagram(lastReply, from);
      return;
    }
    if (request.method !== 'ACK') this.#replies.set(key, '');
    this.#onRequest(request, from);
  }

  #receiveReply(reply: Reply): void {
    const transaction = this.#clientTransactions.get(transactionKey(reply.branch, reply.method));
    if (!transaction) return;
    const isInvite = reply.method === 'INVITE';
    if (isInvite && reply.status >= 300) this.#acknowledgeRefusal(transaction, reply);
    // A retransmitted 2xx needs another ACK; any other final reply counts once.
    if (transaction.progress === 'final' && !(isInvite && reply.status >= 200 && reply.status < 300)) return;
    transaction.progress = reply.status >= 200 ? 'final' : 'provisional';
    transaction.onReply(reply);
  }

  /** The ACK of a refusal belongs to the transaction of the INVITE (RFC 3261 §17.1.1.3). */
  #acknowledgeRefusal(
    { request: { uri, to, headers: sentHeaders }, branch }: ClientTransaction,
    reply: Reply,
  ): void {
    const headers: Header[] = [
      ...sentHeaders.filter(([name]) => ['From', 'Call-ID', 'Route'].includes(name)),
      ['To', header(reply, 'to')],
      ['CSeq', `${reply.cseq} ACK`],
    ];
    this.sendRequest({ method: 'ACK', uri, to, headers, branch });
  }
}

const COPIED_HEADERS = new Set(['via', 'from', 'call-id', 'cseq']);

function transactionKey(branch: string, method: string): string {
  return `${branch} ${method}`;
}

/** Returns a random token for tags, branches and Call-IDs. */
export function randomToken(): string {
  return crypto.randomUUID().replaceAll('-', '').slice(0, 16);
}
