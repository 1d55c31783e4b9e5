/** A phone's side of a call: its dialog (RFC 3261 §12) and its SDP. @module */
import {
  addressOf,
  type Body,
  type Header,
  header,
  headerValues,
  NO_BODY,
  parameter,
  type Reply,
  type Request,
  uriOf,
} from './sip-message.ts';
import { type OutgoingRequest, randomToken } from './transactions.ts';

/** An SDP offer that a phone has received. */
export interface Offer {
  readonly callid: string;
  readonly direction: string;
  /** The version in `o=`. */
  readonly version: string;
  /** Where the other side receives audio: `HOST:PORT`. */
  readonly media: string;
}

export class Call {
  readonly callid: string;
  readonly tag: string = randomToken();
  /** The URIs of the phone and of the other party. */
  readonly localUri: string;
  readonly remoteUri: string;
  readonly #contact: string;
  /** The states of a dialog (RFC 3261 §12). */
  state: 'early' | 'confirmed' | 'terminated' = 'early';
  /** The INVITE that the phone has not answered yet, while it rings. */
  pendingInvite: Request | undefined;
  /** CSeq of the INVITE whose ACK has not arrived. */
  unacknowledgedCseq: number | undefined;
  /** The other side's last offer. */
  lastOffer: Offer | undefined;
  /** Gets each NOTIFY of a transfer that this phone has asked for. */
  onNotify: ((request: Request) => void) | undefined;
  /** Runs when the call has ended. */
  onEnded: (() => void) | undefined;
  remoteTag: string | undefined;
  remoteTarget: string;
  routes: readonly string[] = [];
  #cseq = 0;
  #sdpVersion = 0;

  private constructor(
    callid: string,
    localUri: string,
    remoteUri: string,
    remoteTarget: string,
    contact: string,
  ) {
    this.callid = callid;
    this.localUri = localUri;
    this.remoteUri = remoteUri;
    this.remoteTarget = remoteTarget;
    this.#contact = contact;
  }

  /** Creates an incoming call from its INVITE. */
  static incoming(invite: Request, contact: string): Call {
    const [from, to] = [header(invite, 'from'), header(invite, 'to')];
    const remoteTarget = uriOf(headerValues(invite, 'contact')[0] ?? from);
    const call = new Call(invite.callid, uriOf(to), uriOf(from), remoteTarget, contact);
    call.remoteTag = parameter(from, 'tag');
    call.routes = headerValues(invite, 'record-route');
    call.pendingInvite = invite;
    return call;
  }

  /** Creates an outgoing call: `target` is the request URI, `remoteUri` the URI in To. */
  static outgoing(target: string, remoteUri: string, localUri: string, contact: string): Call {
    return new Call(randomToken(), localUri, remoteUri, target, contact);
  }

  /** Applies the 2xx reply to the phone's INVITE. */
  confirm(reply: Reply): void {
    this.state = 'confirmed';
    this.remoteTag = parameter(header(reply, 'to'), 'tag');
    this.routes = headerValues(reply, 'record-route').reverse();
    this.remoteTarget = uriOf(headerValues(reply, 'contact')[0] ?? this.remoteTarget);
  }

  /** Builds a request within the dialog. An ACK has the CSeq number of its INVITE. */
  buildRequest(
    method: string,
    additionalHeaders: readonly Header[] = [],
    body: Body = NO_BODY,
    ackCseq?: number,
  ): OutgoingRequest {
    const cseq = ackCseq ?? ++this.#cseq;
    const toTag = this.remoteTag === undefined ? '' : `;tag=${this.remoteTag}`;
    return {
      method,
      uri: this.remoteTarget,
      // Loose routing (RFC 3261 §12.2.1.1), the only kind that OpenSIPS supports.
      to: addressOf(uriOf(this.routes[0] ?? this.remoteTarget)),
      headers: [
        ...this.routes.map((route): Header => ['Route', route]),
        ['From', `<${this.localUri}>;tag=${this.tag}`],
        ['To', `<${this.remoteUri}>${toTag}`],
        ['Call-ID', this.callid],
        ['CSeq', `${cseq} ${method}`],
        ['Contact', `<${this.#contact}>`],
        ...additionalHeaders,
      ],
      body,
    };
  }

  /** Builds the phone's SDP. No media is ever sent. */
  buildSdp(direction = 'sendrecv'): Body {
    this.#sdpVersion += 1;
    const { host, port } = addressOf(this.#contact);
    const lines = [
      'v=0',
      `o=- 1 ${this.#sdpVersion} IN IP4 ${host}`,
      's=-',
      `c=IN IP4 ${host}`,
      't=0 0',
      `m=audio ${port} RTP/AVP 0`,
      'a=rtpmap:0 PCMU/8000',
      `a=${direction}`,
      '',
    ];
    return { type: 'application/sdp', text: lines.join('\r\n') };
  }

  /** Answers an offer (RFC 3264 §6.1): to `sendonly`, the answer is `recvonly`. */
  answerOffer(offer: string): Body {
    const direction = /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(offer)?.[1] ?? 'sendrecv';
    const version = /^o=\S+ \S+ (\S+)/m.exec(offer)?.[1] ?? '';
    const host = /^c=IN IP\d (\S+)/m.exec(offer)?.[1] ?? '';
    const port = /^m=audio (\d+)/m.exec(offer)?.[1] ?? '';
    this.lastOffer = { callid: this.callid, direction, version, media: `${host}:${port}` };
    return this.buildSdp(ANSWER_DIRECTION[direction] ?? direction);
  }

  /** Whether the other side's last offer holds this phone. */
  get isHeld(): boolean {
    const direction = this.lastOffer?.direction;
    return direction === 'sendonly' || direction === 'inactive';
  }
}

const ANSWER_DIRECTION: Readonly<Record<string, string>> = { sendonly: 'recvonly', recvonly: 'sendonly' };
