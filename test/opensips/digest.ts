/** The credentials of a phone: HTTP digest authentication with MD5 (RFC 3261 §22, RFC 2617 §3.2). @module */
import { createHash } from 'node:crypto';
import { type Header, header, parameterIn, type Reply, type Request } from './sip-message.ts';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** One request with each nonce. */
const NONCE_COUNT = '00000001';

/** The headers of a challenge and of the credentials that answer it. */
const HEADERS = {
  401: { challenge: 'www-authenticate', credentials: 'Authorization' },
  407: { challenge: 'proxy-authenticate', credentials: 'Proxy-Authorization' },
} as const;

/** Returns the header that answers a challenge, or undefined if the reply is no challenge. */
export function answerChallenge(
  reply: Reply,
  { user, password }: Credentials,
  method: string,
  uri: string,
): Header | undefined {
  if (reply.status !== 401 && reply.status !== 407) return undefined;
  const names = HEADERS[reply.status];
  const challenge = header(reply, names.challenge);
  const [realm, nonce] = [parameterIn(challenge, 'realm'), parameterIn(challenge, 'nonce')];
  const cnonce = crypto.randomUUID().slice(0, 8);
  const hasQop = parameterIn(challenge, 'qop') !== '';
  const tail = hasQop ? `${NONCE_COUNT}:${cnonce}:auth:` : '';
  const response = md5(`${md5(`${user}:${realm}:${password}`)}:${nonce}:${tail}${md5(`${method}:${uri}`)}`);
  const fields = [
    `username="${user}"`,
    `realm="${realm}"`,
    `nonce="${nonce}"`,
    `uri="${uri}"`,
    `response="${response}"`,
    'algorithm=MD5',
    ...(hasQop ? ['qop=auth', `nc=${NONCE_COUNT}`, `cnonce="${cnonce}"`] : []),
  ];
  return [names.credentials, `Digest ${fields.join(', ')}`];
}

/** Returns a challenge for a request without credentials. It accepts any. */
export function challengeFor(request: Request): Header | undefined {
  if (header(request, HEADERS[407].credentials.toLowerCase()) !== '') return undefined;
  return ['Proxy-Authenticate', `Digest realm="gateway", nonce="${crypto.randomUUID()}", algorithm=MD5`];
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
