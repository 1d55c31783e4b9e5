/**
 * A SIP phone without media, over UDP on loopback. It registers without a password, places and answers calls, and
 * handles transfers, each according to its configured behavior.
 * @module
 */
import { Call } from './call.ts';
import { type BehaviorName, findBehavior, type PhoneBehavior } from './phone-behavior.ts';
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

/** The delay between hanging up and the new call, for a phone that hangs up first. */
const NEW_CALL_DELAY_MS = 20;
/** The statuses for requests that the behavior or this phone does not allow. Other requests in a call get a 200. */
const REFUSAL_STATUS: Readonly<Record<string, number>> = {
  INVITE: 488,
  REFER: 603,
  SUBSCRIBE: 405,
  PRACK: 405,
};

export class Phone implements AsyncDisposable {
  /** Its address of record, at which it is called. */
  readonly uri: string;
  readonly #contact: string;
  readonly #registrar: Address;
  readonly #behavior: PhoneBehavior;
  readonly #transactions: Transactions;
  readonly #calls = new Set<Call>();
  readonly #registrationCallid = randomToken();
  /** Every INVITE for a new call that it received. */
  readonly receivedInvites: Request[] = [];
  /** The statuses of the replies to its BYEs that were not 2xx. */
  readonly refusedByes: number[] = [];
  #registrationCseq = 0;

  private constructor(user: string, behavior: PhoneBehavior, registrar: Address, transactions: Transactions) {
    this.uri = `sip:${user}@${registrar.host}:${registrar.port}`;
    this.#contact = `sip:${user}@127.0.0.1:${transactions.port}`;
    this.#registrar = registrar;
    this.#behavior = behavior;
    this.#transactions = transactions;
  }

  /** Opens a phone and registers it. */
  static async open(user: string, behavior: BehaviorName, registrar: Address): Promise<Phone> {
    let phone: Phone | undefined;
    const transactions = await Transactions.open((request, from) => {
      if (phone) phone.#receive(request, from);
    });
    phone = new Phone(user, findBehavior(behavior), registrar, transactions);
    await phone.register();
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
    const call = [...this.#calls].find((candidate) => candidate.callid === callid);
    return call?.offeredDirection === 'sendonly' || call?.offeredDirection === 'inactive';
  }

  /** Registers the phone, again if OpenSIPS has restarted. Resolves when it is registered. */
  register(): Promise<void> {
    this.#registrationCseq += 1;
    const addressOfRecord = `<${this.uri}>`;
    const headers: Header[] = [
      ['From', `${addressOfRecord};tag=${randomToken()}`],
      ['To', addressOfRecord],
      ['Call-ID', this.#registrationCallid],
      ['CSeq', `${this.#registrationCseq} REGISTER`],
      ['Contact', `<${this.#contact}>`],
      ['Expires', '300'],
    ];
    const uri = bareUri(this.uri).replace(/^sip:[^@]*@/, 'sip:');
    const request = { method: 'REGISTER', uri, to: this.#registrar, headers };
    return new Promise((resolve, reject) => {
      this.#transactions.sendRequest(request, ({ status, reason }) => {
        if (status >= 200 && status < 300) resolve();
        else if (status >= 300) reject(new Error(`${this.uri} was not registered: ${status} ${reason}`));
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#transactions.close();
  }

  #receive(request: Request, from: Address): void {
    const tag = parameter(header(request, 'to'), 'tag');
    if (request.method === 'CANCEL') this.#onCancel(request, from);
    else if (tag !== undefined) this.#onInDialogRequest(request, from, this.#findCall(request.callid, tag));
    else if (request.method === 'INVITE') this.#onInvite(request, from);
    else this.#reply(request, from, request.method === 'OPTIONS' ? 200 : 405);
  }

  #reply(request: Request, from: Address, status: number, tag = randomToken()): void {
    this.#transactions.sendReply(request, from, status, tag, [['Contact', `<${this.#contact}>`]]);
  }

  #onInDialogRequest(request: Request, from: Address, call: Call | undefined): void {
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
    } else if (request.method === 'REFER' && this.#behavior.acceptsRefer) {
      this.#reply(request, from, 202);
      this.#onRefer(call, header(request, 'refer-to'));
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
  }

  #onInvite(request: Request, from: Address): void {
    this.receivedInvites.push(request);
    const { onInvite, acceptsReplaces } = this.#behavior;
    const replaces = header(request, 'replaces');
    const replaced = this.#findCall(replaces.replace(/;.*/, '').trim(), parameter(replaces, 'to-tag'));
    if (onInvite === 'busy' || (replaces !== '' && !acceptsReplaces)) {
      this.#reply(request, from, 486);
    } else if (replaces !== '' && (!replaced || replaced.remoteTag !== parameter(replaces, 'from-tag'))) {
      this.#reply(request, from, 481);
    } else {
      const call = Call.incoming(request, this.#contact);
      this.#calls.add(call);
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
    const contact: Header = ['Contact', `<${this.#contact}>`];
    const sdp = call.answerOffer(request.body);
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
    const [uri = '', query = ''] = uriOf(referTo).split('?');
    const uriHeaders = query.split('&').flatMap((pair): Header[] => {
      const [name = '', value = ''] = pair.split('=').map(decodeURIComponent);
      return name.toLowerCase() === 'replaces' ? [[name, value]] : [];
    });
    const placeCall = () => this.#placeCall(uri, uriHeaders, firstLeg);
    if (this.#behavior.hangsUpFirstLeg === 'before')
      this.#hangUp(firstLeg, () => this.#transactions.schedule(NEW_CALL_DELAY_MS, placeCall));
    else placeCall();
  }

  #placeCall(uri: string, additionalHeaders: readonly Header[], firstLeg: Call): void {
    const remoteUri = this.#behavior.keepsUriParameters ? uri : bareUri(uri);
    const call = Call.outgoing(uri, remoteUri, this.uri, this.#contact);
    this.#calls.add(call);
    const headers: readonly Header[] = [['Supported', 'replaces'], ...additionalHeaders];
    const invite = call.buildRequest('INVITE', headers, call.buildSdp());
    // Like any phone with an outbound proxy, it sends the INVITE to OpenSIPS.
    this.#transactions.sendRequest({ ...invite, to: this.#registrar }, (reply) => {
      if (this.#behavior.hangsUpFirstLeg === 'after' && firstLeg.state === 'confirmed')
        this.#hangUp(firstLeg);
      if (reply.status < 200) return;
      if (reply.status >= 300) {
        this.#removeCall(call);
      } else {
        const isRetransmission = call.state !== 'early';
        if (!isRetransmission) call.confirm(reply);
        this.#transactions.sendRequest(call.buildRequest('ACK', [], undefined, reply.cseq));
        if (isRetransmission) return;
      }
      if (firstLeg.state === 'confirmed') this.#notifyResult(firstLeg, `${reply.status} ${reply.reason}`);
    });
  }

  /** Sends the last NOTIFY about a transfer. */
  #notifyResult(firstLeg: Call, status: string): void {
    const headers: Header[] = [
      ['Event', 'refer'],
      ['Subscription-State', 'terminated;reason=noresource'],
    ];
    const body = { type: 'message/sipfrag;version=2.0', text: `SIP/2.0 ${status}\r\n` };
    this.#transactions.sendRequest(firstLeg.buildRequest('NOTIFY', headers, body));
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
