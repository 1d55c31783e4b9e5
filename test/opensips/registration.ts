/** The registration of a phone (RFC 3261 §10). @module */
import { answerChallenge, type Credentials } from './digest.ts';
import { type Address, bareUri, type Header } from './sip-message.ts';
import { randomToken, type Transactions } from './transactions.ts';

export interface Registration {
  /** The address of record, without parameters. */
  readonly uri: string;
  readonly contact: string;
  readonly registrar: Address;
  /** Answers a challenge, if there are any. */
  readonly credentials: Credentials | undefined;
}

/** Longer than any test. */
const EXPIRES_S = 300;

/** Registers a phone whenever it is called. Resolves when the registrar has accepted it, and rejects with its refusal. */
export function createRegistration(
  transactions: Transactions,
  { uri, contact, registrar, credentials }: Registration,
): () => Promise<void> {
  const callid = randomToken();
  const requestUri = bareUri(uri).replace(/^sip:[^@]*@/, 'sip:');
  let cseq = 0;
  return () =>
    new Promise((resolve, reject) => {
      const tag = randomToken();
      const send = (authorization: readonly Header[]) => {
        cseq += 1;
        const headers: Header[] = [
          ['From', `<${uri}>;tag=${tag}`],
          ['To', `<${uri}>`],
          ['Call-ID', callid],
          ['CSeq', `${cseq} REGISTER`],
          ['Contact', `<${contact}>`],
          ['Expires', `${EXPIRES_S}`],
          ...authorization,
        ];
        const request = { method: 'REGISTER', uri: requestUri, to: registrar, headers };
        transactions.sendRequest(request, (reply) => {
          const answer =
            credentials && authorization.length === 0
              ? answerChallenge(reply, credentials, 'REGISTER', requestUri)
              : undefined;
          if (answer) send([answer]);
          else if (reply.status >= 200 && reply.status < 300) resolve();
          else if (reply.status >= 300)
            reject(new Error(`${uri} was not registered: ${reply.status} ${reply.reason}`));
        });
      };
      send([]);
    });
}
