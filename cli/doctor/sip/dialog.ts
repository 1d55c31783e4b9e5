/** One side of a call: its dialog (RFC 3261 §12). @module */
import {
  type Header,
  headerOf,
  headerValuesOf,
  parameterOf,
  type SipRequest,
  type SipResponse,
  uriIn,
} from './message.ts';

/** What a request within the dialog begins with. */
export interface DialogRequest {
  readonly uri: string;
  readonly headers: readonly Header[];
}

export class SipDialog {
  readonly callid: string;
  readonly localTag: string;
  readonly localUri: string;
  readonly remoteUri: string;
  /** Answered, and not ended by either side. */
  isActive = false;
  /** The methods of the requests that have arrived in it, in their order. */
  readonly received: string[] = [];
  readonly #contact: string;
  #remoteTag: string | undefined;
  #remoteTarget: string;
  #routes: readonly string[] = [];
  #cseq = 0;

  private constructor(
    ids: { readonly callid: string; readonly localTag: string },
    localUri: string,
    remoteUri: string,
    remoteTarget: string,
    contact: string,
  ) {
    this.callid = ids.callid;
    this.localTag = ids.localTag;
    this.localUri = localUri;
    this.remoteUri = remoteUri;
    this.#remoteTarget = remoteTarget;
    this.#contact = contact;
  }

  /** Returns the dialog of a call from `localUri` to `uri`. It becomes active with {@link confirm}. */
  static outgoing(
    ids: { readonly callid: string; readonly localTag: string },
    localUri: string,
    uri: string,
    contact: string,
  ): SipDialog {
    return new SipDialog(ids, localUri, uri, uri, contact);
  }

  /** Returns the dialog of a call that has been answered. */
  static incoming(invite: SipRequest, localTag: string, contact: string): SipDialog {
    const [from, to] = [headerOf(invite, 'from'), headerOf(invite, 'to')];
    const target = uriIn(headerValuesOf(invite, 'contact')[0] ?? from);
    const ids = { callid: invite.callid, localTag };
    const dialog = new SipDialog(ids, uriIn(to), uriIn(from), target, contact);
    dialog.#remoteTag = parameterOf(from, 'tag');
    dialog.#routes = headerValuesOf(invite, 'record-route');
    dialog.isActive = true;
    return dialog;
  }

  /** Applies the 2xx response to the INVITE. */
  confirm(response: SipResponse): void {
    this.#remoteTag = parameterOf(headerOf(response, 'to'), 'tag');
    this.#remoteTarget = uriIn(headerValuesOf(response, 'contact')[0] ?? this.#remoteTarget);
    this.#routes = headerValuesOf(response, 'record-route').reverse();
    this.isActive = true;
  }

  /**
   * Returns the next request in the dialog.
   * @param cseq that of the INVITE, for its ACK
   */
  request(method: string, cseq = ++this.#cseq): DialogRequest {
    const toTag = this.#remoteTag === undefined ? '' : `;tag=${this.#remoteTag}`;
    return {
      uri: this.#remoteTarget,
      headers: [
        ...this.#routes.map((route): Header => ['Route', route]),
        ['From', `<${this.localUri}>;tag=${this.localTag}`],
        ['To', `<${this.remoteUri}>${toTag}`],
        ['Call-ID', this.callid],
        ['CSeq', `${cseq} ${method}`],
        ['Contact', `<${this.#contact}>`],
      ],
    };
  }
}
