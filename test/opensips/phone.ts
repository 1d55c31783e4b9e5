/**
 * A SIP phone over UDP on loopback, without sound: it registers without a password, answers and makes calls, and
 * is transferred, each as its manners have it.
 * @module
 */
import { Call } from './call.ts';
import { type Manner, type Manners, mannersOf } from './manners.ts';
import {
  type Address,
  bare,
  type Header,
  header,
  list,
  parameter,
  type Request,
  uriOf,
} from './sip-message.ts';
import { random, Transactions } from './transactions.ts';

/** Between hanging up and the new call, in milliseconds, for a phone that hangs up before. */
const BREATH_MS = 20;
/** How it refuses what its manners, or its making, do not allow; anything else in a call is just taken. */
const REFUSALS: Readonly<Record<string, number>> = { INVITE: 488, REFER: 603, SUBSCRIBE: 405, PRACK: 405 };

export class Phone implements AsyncDisposable {
  /** Its address of record, under which it is called. */
  readonly uri: string;
  readonly #contact: string;
  readonly #registrar: Address;
  readonly #manners: Manners;
  readonly #wire: Transactions;
  readonly #calls = new Set<Call>();
  readonly #registration = random();
  /** Every INVITE that called it, as it came. */
  readonly invites: Request[] = [];
  /** Replies to its BYEs that were no 200. */
  readonly refusedByes: number[] = [];
  #registered = 0;

  private constructor(user: string, manners: Manners, registrar: Address, wire: Transactions) {
    this.uri = `sip:${user}@${registrar.host}:${registrar.port}`;
    this.#contact = `sip:${user}@127.0.0.1:${wire.port}`;
    this.#registrar = registrar;
    this.#manners = manners;
    this.#wire = wire;
  }

  /** A phone that has registered. */
  static async open(user: string, manner: Manner, registrar: Address): Promise<Phone> {
    let phone: Phone | undefined;
    const wire = await Transactions.open((request, from) => {
      if (phone) phone.#receive(request, from);
    });
    phone = new Phone(user, mannersOf(manner), registrar, wire);
    await phone.register();
    return phone;
  }

  /** Call-IDs of the calls that are answered and not over. */
  get calls(): string[] {
    return [...this.#calls].flatMap(({ callid, state }) => (state === 'up' ? [callid] : []));
  }

  /** Has it no call at all, not even one that rings? */
  get idle(): boolean {
    return this.#calls.size === 0;
  }

  /** Does it ring? */
  get rings(): boolean {
    return [...this.#calls].some(({ incoming }) => incoming !== undefined);
  }

  /** Has the other side of that call asked it last not to be heard? */
  isHeld(callid: string): boolean {
    const call = [...this.#calls].find((each) => each.callid === callid);
    return call?.offered === 'sendonly' || call?.offered === 'inactive';
  }

  /** Registers, and again where OpenSIPS has forgotten it; resolves when that is done. */
  register(): Promise<void> {
    this.#registered += 1;
    const own = `<${this.uri}>`;
    const headers: Header[] = [
      ['From', `${own};tag=${random()}`],
      ['To', own],
      ['Call-ID', this.#registration],
      ['CSeq', `${this.#registered} REGISTER`],
      ['Contact', `<${this.#contact}>`],
      ['Expires', '300'],
    ];
    const uri = bare(this.uri).replace(/^sip:[^@]*@/, 'sip:');
    return new Promise((done, failed) => {
      this.#wire.send({ method: 'REGISTER', uri, to: this.#registrar, headers }, ({ status, reason }) => {
        if (status >= 200 && status < 300) done();
        else if (status >= 300) failed(new Error(`${this.uri} was not registered: ${status} ${reason}`));
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#wire.close();
  }

  #receive(request: Request, from: Address): void {
    const tag = parameter(header(request, 'to'), 'tag');
    if (request.method === 'CANCEL') this.#onCancel(request, from);
    else if (tag !== undefined) this.#onInDialog(request, from, this.#find(request.callid, tag));
    else if (request.method === 'INVITE') this.#onInvite(request, from);
    else this.#reply(request, from, request.method === 'OPTIONS' ? 200 : 405);
  }

  #reply(request: Request, from: Address, status: number, tag = random()): void {
    this.#wire.reply(request, from, status, tag, [['Contact', `<${this.#contact}>`]]);
  }

  #onInDialog(request: Request, from: Address, call: Call | undefined): void {
    if (request.method === 'ACK') {
      if (call?.unacknowledged === request.cseq) call.unacknowledged = undefined;
    } else if (!call) {
      this.#reply(request, from, 481);
    } else if (request.method === 'BYE') {
      this.#reply(request, from, 200);
      this.#forget(call);
    } else if (request.method === 'INVITE' && this.#manners.holds) {
      call.target = uriOf(list(request, 'contact')[0] ?? call.target);
      this.#answer(call, request, from);
    } else if (request.method === 'REFER' && this.#manners.transfers) {
      this.#reply(request, from, 202);
      this.#onRefer(call, header(request, 'refer-to'));
    } else {
      this.#reply(request, from, REFUSALS[request.method] ?? 200);
    }
  }

  #find(callid: string, tag: string | undefined): Call | undefined {
    return [...this.#calls].find((call) => call.callid === callid && call.tag === tag);
  }

  #forget(call: Call): void {
    call.state = 'gone';
    this.#calls.delete(call);
  }

  #onInvite(request: Request, from: Address): void {
    this.invites.push(request);
    const { answers, replaces } = this.#manners;
    const replaced = header(request, 'replaces');
    const old = this.#find(replaced.replace(/;.*/, '').trim(), parameter(replaced, 'to-tag'));
    if (answers === 'busy' || (replaced !== '' && !replaces)) {
      this.#reply(request, from, 486);
    } else if (replaced !== '' && (!old || old.remoteTag !== parameter(replaced, 'from-tag'))) {
      this.#reply(request, from, 481);
    } else {
      const call = Call.from(request, this.#contact);
      this.#calls.add(call);
      this.#reply(request, from, 180, call.tag);
      const take = () => {
        if (call.incoming === undefined) return;
        this.#answer(call, request, from);
        if (old) this.#hangUp(old);
      };
      if (old || answers === 0) take();
      else if (answers !== 'never') this.#wire.after(answers, take);
    }
  }

  #answer(call: Call, request: Request, from: Address): void {
    const contact: Header = ['Contact', `<${this.#contact}>`];
    const text = this.#wire.reply(request, from, 200, call.tag, [contact], call.answerTo(request.body));
    call.state = 'up';
    call.incoming = undefined;
    call.unacknowledged = request.cseq;
    const over = () => call.unacknowledged !== request.cseq || call.state === 'gone';
    this.#wire.untilAcknowledged(text, from, over);
  }

  #onCancel(request: Request, from: Address): void {
    const call = [...this.#calls].find(({ incoming }) => incoming?.branch === request.branch);
    this.#reply(request, from, call ? 200 : 481, call?.tag);
    if (!call?.incoming) return;
    this.#reply(call.incoming, from, 487, call.tag);
    this.#forget(call);
  }

  /** Calls whom a REFER names (RFC 3515), with the headers that its URI brings, as Replaces. */
  #onRefer(first: Call, referTo: string): void {
    const [uri = '', query = ''] = uriOf(referTo).split('?');
    const more = query.split('&').flatMap((each): Header[] => {
      const [name = '', value = ''] = each.split('=').map(decodeURIComponent);
      return name.toLowerCase() === 'replaces' ? [[name, value]] : [];
    });
    const call = () => this.#call(uri, more, first);
    if (this.#manners.hangsUp === 'before') this.#hangUp(first, () => this.#wire.after(BREATH_MS, call));
    else call();
  }

  #call(uri: string, more: readonly Header[], first: Call): void {
    const remote = this.#manners.keepsParameters ? uri : bare(uri);
    const call = Call.to(uri, remote, this.uri, this.#contact);
    this.#calls.add(call);
    const invite = call.request('INVITE', [['Supported', 'replaces'], ...more], call.sdp());
    // As any phone with an outbound proxy.
    this.#wire.send({ ...invite, to: this.#registrar }, (reply) => {
      if (this.#manners.hangsUp === 'begun' && first.state === 'up') this.#hangUp(first);
      if (reply.status < 200) return;
      if (reply.status >= 300) {
        this.#forget(call);
      } else {
        const again = call.state !== 'early';
        if (!again) call.answered(reply);
        this.#wire.send(call.request('ACK', [], undefined, reply.cseq));
        if (again) return;
      }
      if (first.state === 'up') this.#notify(first, `${reply.status} ${reply.reason}`);
    });
  }

  /** The last word on a transfer. */
  #notify(first: Call, outcome: string): void {
    const headers: Header[] = [
      ['Event', 'refer'],
      ['Subscription-State', 'terminated;reason=noresource'],
    ];
    const body = { type: 'message/sipfrag;version=2.0', text: `SIP/2.0 ${outcome}\r\n` };
    this.#wire.send(first.request('NOTIFY', headers, body));
  }

  /** Ends a call; `then` runs when the other side has confirmed. */
  #hangUp(call: Call, then: () => void = () => {}): void {
    this.#forget(call);
    this.#wire.send(call.request('BYE'), ({ status }) => {
      if (status < 200) return;
      if (status >= 300) this.refusedByes.push(status);
      then();
    });
  }
}
