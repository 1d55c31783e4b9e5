/**
 * A SIP phone without media, on loopback. It registers, places and answers calls, and handles transfers, each according
 * to its configured behavior. Its own keys are methods: dial, hold, resume, transfer and hang up.
 * @module
 */
import { Call, type Offer } from './call.ts';
import { type Credentials, challengeFor } from './digest.ts';
import {
  type OwnTransfer,
  type RepeatOptions,
  sendInvite,
  sendNotify,
  sendRefer,
  sendReinvite,
} from './outgoing.ts';
import { type BehaviorName, findBehavior, type PhoneBehavior } from './phone-behavior.ts';
import { createRegistration } from './registration.ts';
import {
  type Address,
  bareUri,
  type Header,
  header,
  headerValues,
  parameter,
  type Request,
  uriOf,
} from './sip-message.ts';
import { randomToken, Transactions } from './transactions.ts';
import type { TransportName } from './transport.ts';

/** The delay between hanging up and the new call, for a phone that hangs up first. */
const NEW_CALL_DELAY_MS = 20;
/** The statuses for requests that the behavior or this phone does not allow. Other requests in a call get a 200. */
const REFUSAL_STATUS: Readonly<Record<string, number>> = {
  INVITE: 488,
  REFER: 603,
  SUBSCRIBE: 405,
  PRACK: 405,
};

export interface PhoneOptions {
  readonly user: string;
  readonly behavior: BehaviorName;
  readonly registrar: Address;
  readonly transport?: TransportName;
  /** The address of this machine that the phone uses. OpenSIPS asks phones on an address of its own for no password. */
  readonly host?: string;
  /** With a password, it answers the challenges of its registrar. */
  readonly password?: string;
}

export class Phone implements AsyncDisposable {
  /** Its address of record, at which it is called. */
  readonly uri: string;
  /** Registers the phone, again if OpenSIPS has restarted. Resolves when it is registered. */
  readonly register: () => Promise<void>;
  /** Its own address. Its audio has the same host and port. */
  readonly contact: string;
  readonly #registrar: Address;
  readonly #behavior: PhoneBehavior;
  readonly #repeatOptions: RepeatOptions;
  readonly #transactions: Transactions;
  readonly #calls = new Set<Call>();
  /** Every INVITE for a new call that it received. */
  readonly receivedInvites: Request[] = [];
  /** When it sent 180, by Call-ID, in milliseconds of `performance.now()`. */
  readonly rangAt = new Map<string, number>();
  /** Every NOTIFY that it received, whether it had asked for a transfer or not. */
  readonly receivedNotifies: Request[] = [];
  /** Every SDP offer that it received and answered. */
  readonly receivedOffers: Offer[] = [];
  /** The statuses of the replies to its BYEs that were not 2xx. */
  readonly refusedByes: number[] = [];
  /** The statuses of the replies to its NOTIFYs. */
  readonly notifyStatuses: number[] = [];
  /** The contact that a phone with the behavior `redir` names in its 302. */
  redirectTarget = '';

  private constructor(options: PhoneOptions, transactions: Transactions) {
    const { user, behavior, registrar, transport, password } = options;
    this.uri = `sip:${user}@${registrar.host}:${registrar.port}`;
    const parameters = transport === 'tcp' ? ';transport=tcp' : '';
    this.contact = `sip:${user}@${transactions.host}:${transactions.port}${parameters}`;
    this.#registrar = registrar;
    this.#behavior = findBehavior(behavior);
    const credentials: Credentials = { user, password: password ?? 'any' };
    this.#repeatOptions = {
      followsRedirects: this.#behavior.followsReplies,
      credentials: this.#behavior.followsReplies || password !== undefined ? credentials : undefined,
    };
    this.#transactions = transactions;
    this.register = createRegistration(transactions, {
      uri: this.uri,
      contact: this.contact,
      registrar,
      credentials: this.#repeatOptions.credentials,
    });
  }

  /** Opens a phone and registers it. */
  static async open(options: PhoneOptions): Promise<Phone> {
    const { transport = 'udp', host = '127.0.0.1' } = options;
    let phone: Phone | undefined;
    const transactions = await Transactions.open(transport, host, (request, from) => {
      if (phone) phone.#receive(request, from);
    });
    phone = new Phone(options, transactions);
    try {
      await phone.register();
    } catch (error) {
      transactions.close();
      throw error;
    }
    return phone;
  }

  /** The Call-IDs of its answered calls. */
  get answeredCalls(): string[] {
    return [...this.#calls].flatMap(({ callid, state }) => (state === 'confirmed' ? [callid] : []));
  }

  /** Whether it has no call at all, not even a ringing one. */
  get isIdle(): boolean {
    return this.#calls.size === 0;
  }

  get isRinging(): boolean {
    return [...this.#calls].some(({ pendingInvite }) => pendingInvite !== undefined);
  }

  /** Whether the last offer of that call put this phone on hold. */
  isHeld(callid: string): boolean {
    return [...this.#calls].find((call) => call.callid === callid)?.isHeld ?? false;
  }

  /** Receives and sends nothing until {@link thaw}: at once, or from the next request with that method on. */
  freeze(method?: string): void {
    this.#transactions.freeze(method);
  }

  thaw(): void {
    this.#transactions.thaw();
  }

  /** Calls a number. Resolves with the Call-ID and the final status line. */
  dial(uri: string): Promise<{ callid: string; status: string }> {
    const call = Call.outgoing(uri, uri, this.uri, this.contact);
    this.#calls.add(call);
    return new Promise((resolve) => {
      sendInvite(this.#transactions, this.#registrar, call, [], this.#repeatOptions, (reply) => {
        if (reply.status < 200) return;
        if (reply.status >= 300) this.#removeCall(call);
        resolve({ callid: call.callid, status: `${reply.status} ${reply.reason}` });
      });
    });
  }

  /** Presses the hold key: puts the other party on hold. Resolves with the final status. */
  hold(callid: string): Promise<number> {
    return sendReinvite(this.#transactions, this.#findAnswered(callid), 'sendonly');
  }

  /** Ends the hold of {@link hold}. Resolves with the final status. */
  resume(callid: string): Promise<number> {
    return sendReinvite(this.#transactions, this.#findAnswered(callid), 'sendrecv');
  }

  /**
   * Presses the transfer key: transfers the other party to `uri`. After a success it hangs up by itself, as phones do.
   * Never resolves if the NOTIFYs get lost: a phone then stays in its call.
   */
  async transfer(callid: string, uri: string): Promise<OwnTransfer> {
    const call = this.#findAnswered(callid);
    const transfer = await sendRefer(this.#transactions, call, uri);
    const isSuccess = transfer.notified.at(-1)?.startsWith('2') ?? false;
    if (isSuccess && call.state === 'confirmed') this.#hangUp(call);
    return transfer;
  }

  /** Hangs up. */
  hangUp(callid: string): void {
    this.#hangUp(this.#findAnswered(callid));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#transactions.close();
  }

  #findAnswered(callid: string): Call {
    const call = [...this.#calls].find(
      (candidate) => candidate.callid === callid && candidate.state === 'confirmed',
    );
    if (!call) throw new Error(`${this.uri} has no answered call ${callid}`);
    return call;
  }

  #receive(request: Request, from: Address): void {
    const tag = parameter(header(request, 'to'), 'tag');
    if (request.method === 'CANCEL') this.#onCancel(request, from);
    else if (tag !== undefined) this.#onInDialogRequest(request, from, this.#findCall(request.callid, tag));
    else if (request.method === 'INVITE') this.#onInvite(request, from);
    else if (request.method === 'OPTIONS') this.#onOptions(request, from);
    else this.#reply(request, from, 405);
  }

  /** Says which methods it allows (RFC 3261 §11.2). */
  #onOptions(request: Request, from: Address): void {
    const refer = this.#behavior.onRefer === 'refuse' ? '' : ', REFER';
    const allow: Header = ['Allow', `INVITE, ACK, BYE, CANCEL, OPTIONS${refer}, NOTIFY`];
    this.#transactions.sendReply(request, from, 200, randomToken(), [allow]);
  }

  #reply(request: Request, from: Address, status: number, tag = randomToken()): void {
    this.#transactions.sendReply(request, from, status, tag, [['Contact', `<${this.contact}>`]]);
  }

  #onInDialogRequest(request: Request, from: Address, call: Call | undefined): void {
    if (request.method === 'NOTIFY') this.receivedNotifies.push(request);
    if (request.method === 'ACK') {
      if (call?.unacknowledgedCseq === request.cseq) call.unacknowledgedCseq = undefined;
    } else if (!call) {
      this.#reply(request, from, 481);
    } else if (request.method === 'BYE') {
      this.#reply(request, from, 200);
      this.#removeCall(call);
    } else if (request.method === 'INVITE' && this.#behavior.acceptsReinvite) {
      call.remoteTarget = uriOf(headerValues(request, 'contact')[0] ?? call.remoteTarget);
      this.#answer(call, request, from);
    } else if (request.method === 'REFER' && this.#behavior.onRefer !== 'refuse') {
      this.#reply(request, from, 202);
      if (this.#behavior.onRefer === 'call') this.#onRefer(call, header(request, 'refer-to'));
    } else if (request.method === 'NOTIFY') {
      // Without a subscription there is nothing to notify of (RFC 6665 §4.1.3).
      this.#reply(request, from, call.onNotify ? 200 : 481);
      call.onNotify?.(request);
    } else {
      this.#reply(request, from, REFUSAL_STATUS[request.method] ?? 200);
    }
  }

  #findCall(callid: string, tag: string | undefined): Call | undefined {
    return [...this.#calls].find((call) => call.callid === callid && call.tag === tag);
  }

  #removeCall(call: Call): void {
    call.state = 'terminated';
    this.#calls.delete(call);
    call.onEnded?.();
  }

  #onInvite(request: Request, from: Address): void {
    this.receivedInvites.push(request);
    const { onInvite, onReplaces, challenges } = this.#behavior;
    const challenge = challenges ? challengeFor(request) : undefined;
    const replaces = onReplaces === 'ignore' ? '' : header(request, 'replaces');
    const replaced = this.#findCall(replaces.replace(/;.*/, '').trim(), parameter(replaces, 'to-tag'));
    if (challenge) {
      this.#transactions.sendReply(request, from, 407, randomToken(), [challenge]);
    } else if (onInvite === 'redirect') {
      const contact: Header = ['Contact', `<${this.redirectTarget}>`];
      this.#transactions.sendReply(request, from, 302, randomToken(), [contact]);
    } else if (onInvite === 'busy' || (replaces !== '' && onReplaces === 'refuse')) {
      this.#reply(request, from, 486);
    } else if (replaces !== '' && (!replaced || replaced.remoteTag !== parameter(replaces, 'from-tag'))) {
      this.#reply(request, from, 481);
    } else {
      const call = Call.incoming(request, this.contact);
      this.#calls.add(call);
      this.rangAt.set(request.callid, performance.now());
      this.#reply(request, from, 180, call.tag);
      const answer = () => {
        if (call.pendingInvite === undefined) return;
        this.#answer(call, request, from);
        if (replaced) this.#hangUp(replaced);
      };
      if (replaced || onInvite === 0) answer();
      else if (onInvite !== 'ring') this.#transactions.schedule(onInvite, answer);
    }
  }

  #answer(call: Call, request: Request, from: Address): void {
    const contact: Header = ['Contact', `<${this.contact}>`];
    const sdp = call.answerOffer(request.body);
    if (call.lastOffer) this.receivedOffers.push(call.lastOffer);
    const text = this.#transactions.sendReply(request, from, 200, call.tag, [contact], sdp);
    call.state = 'confirmed';
    call.pendingInvite = undefined;
    call.unacknowledgedCseq = request.cseq;
    const isDone = () => call.unacknowledgedCseq !== request.cseq || call.state === 'terminated';
    this.#transactions.retransmitUntilAcknowledged(text, from, isDone);
  }

  #onCancel(request: Request, from: Address): void {
    const call = [...this.#calls].find(({ pendingInvite }) => pendingInvite?.branch === request.branch);
    this.#reply(request, from, call ? 200 : 481, call?.tag);
    if (!call?.pendingInvite) return;
    this.#reply(call.pendingInvite, from, 487, call.tag);
    this.#removeCall(call);
  }

  /** Calls the target of a REFER (RFC 3515), with the Replaces header in its URI, if there is one. */
  #onRefer(firstLeg: Call, referTo: string): void {
    const target = uriOf(referTo);
    const [uri = '', query = ''] = target.split('?');
    const uriHeaders = query.split('&').flatMap((pair): Header[] => {
      const [name = '', value = ''] = pair.split('=').map(decodeURIComponent);
      return name.toLowerCase() === 'replaces' ? [[name, value]] : [];
    });
    if (this.#behavior.notifiesProgress) this.#notify(firstLeg, '100 Trying', false);
    const placeCall =
      this.#behavior.onReplaces === 'ignore'
        ? () => this.#placeCall(target, [], firstLeg)
        : () => this.#placeCall(uri, uriHeaders, firstLeg);
    if (this.#behavior.hangsUpFirstLeg === 'before')
      this.#hangUp(firstLeg, () => this.#transactions.schedule(NEW_CALL_DELAY_MS, placeCall));
    else placeCall();
  }

  /** Places the call of a transfer, and reports its result on the first leg. */
  #placeCall(uri: string, additionalHeaders: readonly Header[], firstLeg: Call): void {
    const remoteUri = this.#behavior.keepsUriParameters ? uri : bareUri(uri);
    const call = Call.outgoing(uri, remoteUri, this.uri, this.contact);
    this.#calls.add(call);
    const headers: readonly Header[] = [['Supported', 'replaces'], ...additionalHeaders];
    const { hangsUpFirstLeg, notifiesProgress } = this.#behavior;
    // Like any phone with an outbound proxy, it sends the INVITE to OpenSIPS.
    sendInvite(this.#transactions, this.#registrar, call, headers, this.#repeatOptions, (reply) => {
      if (hangsUpFirstLeg === 'after' && firstLeg.state === 'confirmed') this.#hangUp(firstLeg);
      if (reply.status >= 300) this.#removeCall(call);
      const isFinal = reply.status >= 200;
      if (firstLeg.state === 'confirmed' && (isFinal || notifiesProgress))
        this.#notify(firstLeg, `${reply.status} ${reply.reason}`, isFinal);
    });
  }

  #notify(firstLeg: Call, statusLine: string, isLast: boolean): void {
    sendNotify(this.#transactions, firstLeg, statusLine, isLast, (status) =>
      this.notifyStatuses.push(status),
    );
  }

  /** Ends a call. `onConfirmed` runs when the other side has confirmed the BYE. */
  #hangUp(call: Call, onConfirmed: () => void = () => {}): void {
    this.#removeCall(call);
    this.#transactions.sendRequest(call.buildRequest('BYE'), ({ status }) => {
      if (status < 200) return;
      if (status >= 300) this.refusedByes.push(status);
      onConfirmed();
    });
  }
}
