/** One call of a phone: a dialog as RFC 3261 §12 has it, and the SDP that goes with it. @module */
import {
  addressOf,
  type Body,
  type Header,
  header,
  list,
  NO_BODY,
  parameter,
  type Reply,
  type Request,
  uriOf,
} from './sip-message.ts';
import { type Outgoing, random } from './transactions.ts';

export class Call {
  readonly callid: string;
  readonly tag: string = random();
  /** The phone itself and the other party, as URIs. */
  readonly local: string;
  readonly remote: string;
  /** The phone's contact. */
  readonly #contact: string;
  state: 'early' | 'up' | 'gone' = 'early';
  /** An INVITE that is to be answered: the phone rings. */
  incoming: Request | undefined;
  /** CSeq of the INVITE whose ACK has not come. */
  unacknowledged: number | undefined;
  /** What the other side offered last: `sendonly` or `inactive` while it holds us. */
  offered = 'sendrecv';
  remoteTag: string | undefined;
  target: string;
  routes: readonly string[] = [];
  #cseq = 0;
  #version = 0;

  private constructor(callid: string, local: string, remote: string, target: string, contact: string) {
    this.callid = callid;
    this.local = local;
    this.remote = remote;
    this.target = target;
    this.#contact = contact;
  }

  /** A call that comes in. */
  static from(invite: Request, contact: string): Call {
    const [from, to] = [header(invite, 'from'), header(invite, 'to')];
    const target = uriOf(list(invite, 'contact')[0] ?? from);
    const call = new Call(invite.callid, uriOf(to), uriOf(from), target, contact);
    call.remoteTag = parameter(from, 'tag');
    call.routes = list(invite, 'record-route');
    call.incoming = invite;
    return call;
  }

  /** A call that we make: `target` is the URI that is asked for, `remote` what stands in To. */
  static to(target: string, remote: string, local: string, contact: string): Call {
    return new Call(random(), local, remote, target, contact);
  }

  /** Our INVITE was answered. */
  answered(reply: Reply): void {
    this.state = 'up';
    this.remoteTag = parameter(header(reply, 'to'), 'tag');
    this.routes = list(reply, 'record-route').reverse();
    this.target = uriOf(list(reply, 'contact')[0] ?? this.target);
  }

  /** A request of ours in this dialog; an ACK has the number of the INVITE that it is for. */
  request(method: string, more: readonly Header[] = [], body: Body = NO_BODY, ackFor?: number): Outgoing {
    const cseq = ackFor ?? ++this.#cseq;
    const to = this.remoteTag === undefined ? '' : `;tag=${this.remoteTag}`;
    return {
      method,
      uri: this.target,
      // Loose routing (RFC 3261 §12.2.1.1); OpenSIPS knows no other.
      to: addressOf(uriOf(this.routes[0] ?? this.target)),
      headers: [
        ...this.routes.map((route): Header => ['Route', route]),
        ['From', `<${this.local}>;tag=${this.tag}`],
        ['To', `<${this.remote}>${to}`],
        ['Call-ID', this.callid],
        ['CSeq', `${cseq} ${method}`],
        ['Contact', `<${this.#contact}>`],
        ...more,
      ],
      body,
    };
  }

  /** Our side of the session; no media is ever sent. */
  sdp(direction = 'sendrecv'): Body {
    this.#version += 1;
    const { port } = addressOf(this.#contact);
    const lines = [
      'v=0',
      `o=- 1 ${this.#version} IN IP4 127.0.0.1`,
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      `m=audio ${port} RTP/AVP 0`,
      'a=rtpmap:0 PCMU/8000',
      `a=${direction}`,
      '',
    ];
    return { type: 'application/sdp', text: lines.join('\r\n') };
  }

  /** Answers an offer (RFC 3264 §6.1): who is held listens. */
  answerTo(offer: string): Body {
    this.offered = /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(offer)?.[1] ?? 'sendrecv';
    return this.sdp(OPPOSITE[this.offered] ?? this.offered);
  }
}

const OPPOSITE: Readonly<Record<string, string>> = { sendonly: 'recvonly', recvonly: 'sendonly' };
