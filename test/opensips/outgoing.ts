/** The requests that a phone sends on its own account: calls, hold and transfers. @module */
import type { Call } from './call.ts';
import { answerChallenge, type Credentials } from './digest.ts';
import {
  type Address,
  type Body,
  type Header,
  header,
  headerValues,
  parameterIn,
  type Reply,
  type Request,
  uriOf,
} from './sip-message.ts';
import type { Transactions } from './transactions.ts';

/** A phone gives up if its credentials are refused again and again, or if it is redirected in a circle. */
const MAX_REPEATS = 3;

/** How a phone repeats an INVITE that was challenged or redirected. */
export interface RepeatOptions {
  readonly credentials: Credentials | undefined;
  readonly followsRedirects: boolean;
}

/**
 * Sends the INVITE of a new call to `proxy`. A challenge or redirection that the phone follows is repeated within the same
 * Call-ID (RFC 3261 §8.1.3), and the answer is acknowledged. `onReply` gets each other reply once.
 */
export function sendInvite(
  transactions: Transactions,
  proxy: Address,
  call: Call,
  additionalHeaders: readonly Header[],
  options: RepeatOptions,
  onReply: (reply: Reply) => void,
): void {
  const sdp = call.buildSdp();
  // One for each realm: a gateway behind the registrar has a realm of its own.
  const authorizations = new Map<string, Header>();
  const send = (repeats: number) => {
    const headers = [...additionalHeaders, ...authorizations.values()];
    const invite = call.buildRequest('INVITE', headers, sdp);
    transactions.sendRequest({ ...invite, to: proxy }, (reply) => {
      // Canceled or hung up while the INVITE was on its way.
      if (call.state === 'terminated' && reply.status >= 300) return;
      const credentials =
        options.credentials && answerChallenge(reply, options.credentials, 'INVITE', invite.uri);
      const contact = headerValues(reply, 'contact')[0];
      if (repeats < MAX_REPEATS && credentials) {
        authorizations.set(parameterIn(credentials[1], 'realm'), credentials);
        send(repeats + 1);
      } else if (
        repeats < MAX_REPEATS &&
        options.followsRedirects &&
        reply.status === 302 &&
        contact !== undefined
      ) {
        call.remoteTarget = uriOf(contact);
        send(repeats + 1);
      } else {
        const isRetransmission = call.state === 'confirmed';
        if (reply.status >= 200 && reply.status < 300) {
          if (!isRetransmission) call.confirm(reply);
          transactions.sendRequest(call.buildRequest('ACK', [], undefined, reply.cseq));
        }
        if (!isRetransmission) onReply(reply);
      }
    });
  };
  send(0);
}

/** Sends a re-INVITE with an SDP direction. Resolves with the final status. */
export function sendReinvite(transactions: Transactions, call: Call, direction: string): Promise<number> {
  const invite = call.buildRequest('INVITE', [], call.buildSdp(direction));
  return new Promise((resolve) => {
    transactions.sendRequest(invite, ({ status, cseq }) => {
      if (status >= 200 && status < 300)
        transactions.sendRequest(call.buildRequest('ACK', [], undefined, cseq));
      if (status >= 200) resolve(status);
    });
  });
}

/** What became of a transfer that the phone has asked for. */
export interface OwnTransfer {
  /** The status of the reply to the REFER. */
  readonly status: number;
  /** The status lines in the NOTIFYs, up to the one that ended the subscription, or to the end of the call. */
  readonly notified: readonly string[];
}

/** Sends REFER within the call. Resolves after the last NOTIFY, when the REFER is refused, or when the call has ended. */
export function sendRefer(transactions: Transactions, call: Call, target: string): Promise<OwnTransfer> {
  const notified: string[] = [];
  const refer = call.buildRequest('REFER', [
    ['Refer-To', `<${target}>`],
    ['Referred-By', `<${call.localUri}>`],
  ]);
  return new Promise((resolve) => {
    let replyStatus = 0;
    call.onNotify = (request) => {
      notified.push(statusLineOf(request));
      // The NOTIFY may overtake the reply to the REFER, which is then 202.
      if (/^terminated/i.test(header(request, 'subscription-state')))
        resolve({ status: replyStatus || 202, notified });
    };
    call.onEnded = () => resolve({ status: replyStatus, notified });
    transactions.sendRequest(refer, ({ status }) => {
      if (status < 200) return;
      replyStatus = status;
      if (status >= 300) resolve({ status, notified });
    });
  });
}

/** Sends a NOTIFY about a transfer: the last one, or one with the progress. `onStatus` gets the status of its reply. */
export function sendNotify(
  transactions: Transactions,
  call: Call,
  status: string,
  isLast: boolean,
  onStatus: (status: number) => void,
): void {
  const headers: Header[] = [
    ['Event', 'refer'],
    ['Subscription-State', isLast ? 'terminated;reason=noresource' : 'active;expires=60'],
  ];
  const body: Body = { type: 'message/sipfrag;version=2.0', text: `SIP/2.0 ${status}\r\n` };
  transactions.sendRequest(call.buildRequest('NOTIFY', headers, body), (reply) => onStatus(reply.status));
}

function statusLineOf({ body }: Request): string {
  return /^SIP\/2\.0 (.*?)\s*$/m.exec(body)?.[1] ?? '';
}
