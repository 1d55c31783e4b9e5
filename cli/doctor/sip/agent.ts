/**
 * A phone without media, for the tests of a routing script: it registers, calls, answers at once, and sends requests within its
 * calls. UDP over IPv4 only. Everything goes to and through one OpenSIPS.
 * @module
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Address } from '../../../shared/settings/value-types.ts';
import { SipDialog } from './dialog.ts';
import {
  type Body,
  type Header,
  headerOf,
  NO_BODY,
  parameterOf,
  parseMessage,
  type SipRequest,
  type SipResponse,
  serialize,
} from './message.ts';

/** The first interval of retransmissions, which then doubles (T1 of RFC 3261 §17.1.1.1). */
const T1_MS = 500;
/** How long a response may take. OpenSIPS is near, and the phones behind it are doctor's own, which answer at once. */
const RESPONSE_TIMEOUT_MS = 2_000;
/** Seconds until a registration lapses, if it cannot be removed. */
const REGISTRATION_S = 60;
const COPIED_HEADERS = new Set(['via', 'from', 'call-id', 'cseq']);
const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  202: 'Accepted',
  481: 'Call/Transaction Does Not Exist',
};

export interface AgentOptions {
  /** The user part of its address. */
  readonly user: string;
  /** The domain of its address, with a port if it needs one. */
  readonly domain: string;
  /** The address of this machine that it uses. */
  readonly localHost: string;
  /** The SIP address of OpenSIPS. */
  readonly server: Address;
}

/** The response to a request of the agent; undefined if there was none in time. */
export type Answer = SipResponse | undefined;

export class SipAgent implements AsyncDisposable {
  /** Its address, at which it can be called when it has registered. */
  readonly uri: string;
  /** The statuses for requests within its calls, by method; 200 for all others. */
  readonly statuses = new Map<string, number>([['REFER', 202]]);
  readonly #options: AgentOptions;
  readonly #socket: Socket;
  readonly #contact: string;
  readonly #dialogs: SipDialog[] = [];
  /** What waits for a final response, by transaction. */
  readonly #waiting = new Map<string, (response: SipResponse) => void>();
  /** The last response to each request, for its retransmissions. */
  readonly #responses = new Map<string, string>();
  /** The ACKs for 2xx responses, which are sent again with each of their retransmissions. */
  readonly #acks = new Map<string, string>();
  readonly #registrationId = randomToken();
  #registrationCseq = 0;
  #isRegistered = false;

  private constructor(options: AgentOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    this.uri = `sip:${options.user}@${options.domain}`;
    this.#contact = `sip:${options.user}@${options.localHost}:${socket.address().port}`;
    socket.on('message', (datagram) => this.#receive(`${datagram}`));
    // A port that nobody listens at is the same as no response.
    socket.on('error', () => {});
  }

  /** Opens an agent at any free port. Rejects if `localHost` is no address of this machine. */
  static async open(options: AgentOptions): Promise<SipAgent> {
    const socket = createSocket('udp4');
    try {
      socket.bind(0, options.localHost);
      await once(socket, 'listening');
    } catch (error) {
      socket.close();
      throw error;
    }
    return new SipAgent(options, socket);
  }

  /** Registers it at OpenSIPS. */
  async register(): Promise<Answer> {
    const answer = await this.#sendRegister(REGISTRATION_S);
    // Without a response, it may have been registered all the same.
    this.#isRegistered = answer === undefined || isSuccess(answer);
    return answer;
  }

  /** Calls an address. The dialog is active if the answer is 2xx. */
  async call(uri: string): Promise<{ readonly dialog: SipDialog; readonly answer: Answer }> {
    const ids = { callid: randomToken(), localTag: randomToken() };
    const dialog = SipDialog.outgoing(ids, this.uri, uri, this.#contact);
    this.#dialogs.push(dialog);
    const answer = await this.#send('INVITE', dialog.request('INVITE'), this.#sdp());
    return { dialog, answer };
  }

  /** Sends a request within a call. */
  request(
    dialog: SipDialog,
    method: string,
    headers: readonly Header[] = [],
    body: Body = NO_BODY,
  ): Promise<Answer> {
    if (method === 'BYE') dialog.isActive = false;
    const { uri, headers: dialogHeaders } = dialog.request(method);
    return this.#send(method, { uri, headers: [...dialogHeaders, ...headers] }, body);
  }

  /** Returns its side of a call; undefined if that call has not reached it. */
  dialogOf(callid: string): SipDialog | undefined {
    return this.#dialogs.find((dialog) => dialog.callid === callid);
  }

  /** Hangs up all calls, removes the registration, and closes the socket. */
  async [Symbol.asyncDispose](): Promise<void> {
    const active = this.#dialogs.filter(({ isActive }) => isActive);
    await Promise.all(active.map((dialog) => this.request(dialog, 'BYE')));
    if (this.#isRegistered) await this.#sendRegister(0);
    this.#socket.close();
  }

  #sendRegister(seconds: number): Promise<Answer> {
    this.#registrationCseq += 1;
    const headers: Header[] = [
      ['From', `<${this.uri}>;tag=${randomToken()}`],
      ['To', `<${this.uri}>`],
      ['Call-ID', this.#registrationId],
      ['CSeq', `${this.#registrationCseq} REGISTER`],
      ['Contact', `<${this.#contact}>`],
      ['Expires', `${seconds}`],
    ];
    return this.#send('REGISTER', { uri: `sip:${this.#options.domain}`, headers });
  }

  /** Sends a request until it has a final response or the time is over. */
  async #send(
    method: string,
    { uri, headers }: { readonly uri: string; readonly headers: readonly Header[] },
    body: Body = NO_BODY,
  ): Promise<Answer> {
    const branch = `z9hG4bK${randomToken()}`;
    const text = this.#requestText(method, uri, headers, branch, body);
    const key = transactionKey(branch, method);
    const ended = new AbortController();
    try {
      return await new Promise<Answer>((resolve) => {
        this.#waiting.set(key, resolve);
        void this.#retransmit(text, ended.signal).then(() => resolve(undefined));
      });
    } finally {
      ended.abort();
      this.#waiting.delete(key);
    }
  }

  /** Resolves when the time for the response is over, or when it is aborted. */
  async #retransmit(text: string, signal: AbortSignal): Promise<void> {
    let elapsedMs = 0;
    for (let intervalMs = T1_MS; elapsedMs < RESPONSE_TIMEOUT_MS && !signal.aborted; intervalMs *= 2) {
      this.#sendText(text);
      const waitMs = Math.min(intervalMs, RESPONSE_TIMEOUT_MS - elapsedMs);
      await delay(waitMs, undefined, { signal }).catch(() => {});
      elapsedMs += waitMs;
    }
  }

  #requestText(
    method: string,
    uri: string,
    headers: readonly Header[],
    branch: string,
    body: Body = NO_BODY,
  ): string {
    const { address, port } = this.#socket.address();
    const via: Header = ['Via', `SIP/2.0/UDP ${address}:${port};branch=${branch};rport`];
    return serialize(`${method} ${uri} SIP/2.0`, [via, ['Max-Forwards', '70'], ...headers], body);
  }

  #sendText(text: string): void {
    const { host, port } = this.#options.server;
    this.#socket.send(text, port, host, () => {});
  }

  #receive(text: string): void {
    const message = parseMessage(text);
    if (message === undefined) return;
    if ('status' in message) this.#receiveResponse(message);
    else this.#receiveRequest(message);
  }

  #receiveResponse(response: SipResponse): void {
    if (response.status < 200) return;
    if (response.method === 'INVITE') this.#acknowledge(response);
    this.#waiting.get(transactionKey(response.branch, response.method))?.(response);
  }

  /** A 2xx has an ACK in the dialog; that of a refusal belongs to the INVITE (RFC 3261 §13.2.2.4 and §17.1.1.3). */
  #acknowledge(response: SipResponse): void {
    const dialog = this.dialogOf(response.callid);
    if (!dialog) return;
    const hasAnswered = isSuccess(response);
    const key = transactionKey(response.branch, hasAnswered ? 'ACK' : 'refused');
    let ack = this.#acks.get(key);
    if (ack === undefined) {
      if (hasAnswered) dialog.confirm(response);
      const { uri, headers } = dialog.request('ACK', response.cseq);
      const to: Header = ['To', headerOf(response, 'to')];
      const ackHeaders = headers.map((header) => (header[0] === 'To' ? to : header));
      ack = this.#requestText(
        'ACK',
        uri,
        ackHeaders,
        hasAnswered ? `z9hG4bK${randomToken()}` : response.branch,
      );
      this.#acks.set(key, ack);
    }
    this.#sendText(ack);
  }

  #receiveRequest(request: SipRequest): void {
    if (request.method === 'ACK') return;
    const key = transactionKey(request.branch, request.method);
    const repeated = this.#responses.get(key);
    if (repeated !== undefined) {
      this.#sendText(repeated);
      return;
    }
    const localTag = parameterOf(headerOf(request, 'to'), 'tag');
    if (localTag === undefined) this.#receiveNewRequest(request, key);
    else {
      const dialog = this.#dialogs.find(
        (each) => each.callid === request.callid && each.localTag === localTag,
      );
      dialog?.received.push(request.method);
      if (dialog && request.method === 'BYE') dialog.isActive = false;
      const status = dialog ? (this.statuses.get(request.method) ?? 200) : 481;
      const hasSdp = request.method === 'INVITE' && status < 300;
      this.#respond(request, key, status, localTag, hasSdp ? this.#sdp() : NO_BODY);
    }
  }

  #receiveNewRequest(request: SipRequest, key: string): void {
    const localTag = randomToken();
    const isInvite = request.method === 'INVITE';
    if (isInvite) this.#dialogs.push(SipDialog.incoming(request, localTag, this.#contact));
    this.#respond(
      request,
      key,
      isInvite || request.method === 'OPTIONS' ? 200 : 481,
      localTag,
      isInvite ? this.#sdp() : NO_BODY,
    );
  }

  #respond(request: SipRequest, key: string, status: number, localTag: string, body: Body): void {
    const copied = request.headers.flatMap(([name, value]): Header[] => {
      if (name === 'to') return [['To', parameterOf(value, 'tag') ? value : `${value};tag=${localTag}`]];
      const isCopied = COPIED_HEADERS.has(name) || (name === 'record-route' && status < 300);
      return isCopied ? [[name, value]] : [];
    });
    const headers: readonly Header[] = [...copied, ['Contact', `<${this.#contact}>`]];
    const text = serialize(`SIP/2.0 ${status} ${REASONS[status] ?? 'Refused'}`, headers, body);
    this.#responses.set(key, text);
    this.#sendText(text);
  }

  /** An offer or an answer without media: nothing is ever sent or played. */
  #sdp(): Body {
    const { localHost } = this.#options;
    const lines = [
      'v=0',
      `o=call-api-doctor 1 1 IN IP4 ${localHost}`,
      's=-',
      `c=IN IP4 ${localHost}`,
      't=0 0',
      'm=audio 9 RTP/AVP 0',
      'a=rtpmap:0 PCMU/8000',
      'a=inactive',
      '',
    ];
    return { type: 'application/sdp', text: lines.join('\r\n') };
  }
}

/** Returns whether a response is a 2xx. */
export function isSuccess({ status }: Pick<SipResponse, 'status'>): boolean {
  return status >= 200 && status < 300;
}

function transactionKey(branch: string, method: string): string {
  return `${branch} ${method}`;
}

/** Returns a random token for tags, branches and Call-IDs. */
function randomToken(): string {
  return crypto.randomUUID().replaceAll('-', '').slice(0, 16);
}
