/** Explains errors of the system and of Node in plain English: files, sockets, names and certificates. Pure. @module */

/** What an error means to the user. */
export interface ErrorReason {
  /** A phrase that completes `Cannot connect to …: `. */
  readonly reason: string;
  /** A sentence that says what to do, where it does not depend on what was tried. */
  readonly remedy?: string;
}

/** An error that is explained where it is thrown. */
export class ExplainedError extends Error implements ErrorReason {
  override readonly name = 'ExplainedError';
  readonly reason: string;
  readonly remedy: string;

  constructor(reason: string, remedy: string) {
    super(`${reason}. ${remedy}`);
    this.reason = reason;
    this.remedy = remedy;
  }
}

const UNEXPECTED: ErrorReason = { reason: 'an unexpected error' };
const TRUST_REMEDY = 'Use --ca (or NODE_EXTRA_CA_CERTS) with the file of the certificate that signed it.';
const PROTOCOL_REMEDY = 'Check the port, and whether the URL needs wss:// or https:// for TLS.';

const UNTRUSTED: ErrorReason = {
  reason: 'its TLS certificate is signed by an authority that this machine does not trust',
  remedy: TRUST_REMEDY,
};
const SELF_SIGNED: ErrorReason = {
  reason: 'its TLS certificate is self-signed',
  remedy: 'If you trust it, use --ca (or NODE_EXTRA_CA_CERTS) with the file of this certificate.',
};
const WRONG_HOST: ErrorReason = {
  reason: 'its TLS certificate is for another host name',
  remedy: 'Use the host name in the certificate.',
};
const NOT_FOUND: ErrorReason = { reason: 'no such file or folder' };
const DENIED: ErrorReason = { reason: 'permission denied' };
const NO_ANSWER: ErrorReason = { reason: 'no answer in time' };
const CLOSED: ErrorReason = {
  reason: 'the connection was closed before an answer arrived',
  remedy: PROTOCOL_REMEDY,
};
const NOT_TLS: ErrorReason = {
  reason: 'it does not answer with TLS',
  remedy: 'Check the port. Use ws:// or http:// if it has no TLS.',
};
const NOT_HTTP: ErrorReason = { reason: 'what answers there does not use HTTP', remedy: PROTOCOL_REMEDY };
const NOT_A_WEBSOCKET: ErrorReason = { reason: 'what answers there is not the expected WebSocket server' };

/** By the `code` of an error: errno names, and the codes of Node's DNS, TLS and HTTP clients. */
const BY_CODE: Readonly<Record<string, ErrorReason>> = {
  ENOENT: NOT_FOUND,
  ENOTDIR: { reason: 'a part of the path is a file, not a folder' },
  EISDIR: { reason: 'it is a folder, not a file' },
  EEXIST: { reason: 'it exists already' },
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: { reason: 'the file system is read-only' },
  ENOSPC: { reason: 'the disk is full' },
  EDQUOT: { reason: 'the disk quota is used up' },
  EMFILE: { reason: 'too many files are open' },
  ENFILE: { reason: 'too many files are open on this machine' },
  ELOOP: { reason: 'its symbolic links form a loop' },
  ENAMETOOLONG: { reason: 'the name is too long' },
  EINVAL: { reason: 'the system does not accept the value' },
  EBUSY: { reason: 'it is in use' },
  EIO: { reason: 'the disk could not be read or written' },
  ENOEXEC: { reason: 'it is not a program for this machine' },
  ENOMEM: { reason: 'out of memory' },
  ERR_INVALID_ARG_VALUE: { reason: 'it is not a valid path' },
  EFBIG: { reason: 'the file would become larger than this process may write' },
  ERR_FS_FILE_TOO_LARGE: { reason: 'the file is too large' },
  ECONNREFUSED: { reason: 'connection refused' },
  ECONNRESET: CLOSED,
  ECONNABORTED: CLOSED,
  EPIPE: CLOSED,
  UND_ERR_SOCKET: CLOSED,
  ETIMEDOUT: NO_ANSWER,
  ESOCKETTIMEDOUT: NO_ANSWER,
  UND_ERR_CONNECT_TIMEOUT: NO_ANSWER,
  UND_ERR_HEADERS_TIMEOUT: NO_ANSWER,
  UND_ERR_BODY_TIMEOUT: NO_ANSWER,
  ENOTFOUND: { reason: 'the host name does not exist' },
  ENODATA: { reason: 'the host name has no IPv4 address' },
  EAI_AGAIN: { reason: 'the name server does not answer' },
  EAI_FAIL: { reason: 'the name server has failed' },
  EHOSTUNREACH: { reason: 'the host cannot be reached' },
  EHOSTDOWN: { reason: 'the host is down' },
  ENETUNREACH: { reason: 'the network cannot be reached' },
  ENETDOWN: { reason: 'the network is down' },
  EMSGSIZE: { reason: 'the message is too large for one datagram' },
  ENOBUFS: { reason: 'the system has no buffer space left' },
  EADDRINUSE: { reason: 'another program uses the port' },
  EADDRNOTAVAIL: { reason: 'the address does not belong to this machine' },
  EAFNOSUPPORT: { reason: 'this machine does not support the kind of address' },
  EPROTO: NOT_TLS,
  DEPTH_ZERO_SELF_SIGNED_CERT: SELF_SIGNED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_UNTRUSTED: UNTRUSTED,
  CERT_REJECTED: UNTRUSTED,
  INVALID_CA: UNTRUSTED,
  CERT_SIGNATURE_FAILURE: UNTRUSTED,
  CERT_HAS_EXPIRED: {
    reason: 'its TLS certificate has expired',
    remedy: 'Renew the certificate, and check the clock of this machine.',
  },
  CERT_NOT_YET_VALID: {
    reason: 'its TLS certificate is not valid yet',
    remedy: 'Check the clock of this machine.',
  },
  CERT_REVOKED: { reason: 'its TLS certificate was revoked', remedy: 'Replace the certificate.' },
  HOSTNAME_MISMATCH: WRONG_HOST,
  ERR_TLS_CERT_ALTNAME_INVALID: WRONG_HOST,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: { reason: 'it sent a message that is too large' },
};

/** By the beginning of a `code`, for families of codes. */
const BY_PREFIX: readonly (readonly [prefix: string, ErrorReason])[] = [
  ['ERR_SSL_', NOT_TLS],
  ['HPE_', NOT_HTTP],
  ['WS_ERR_', { reason: 'it sent what is not a valid WebSocket message' }],
];

/** By the text of errors that have no code: those of `fetch` and of the WebSocket client. */
const BY_MESSAGE: readonly (readonly [message: RegExp, ErrorReason])[] = [
  [/timed out/i, NO_ANSWER],
  [/redirect/i, { reason: 'it redirects to another address', remedy: 'Use that address.' }],
  [/bad port/i, { reason: 'the port is reserved for another protocol', remedy: 'Use another port.' }],
  [/socket hang up/i, CLOSED],
  [/does not match the HTTP/i, NOT_HTTP],
  [/subprotocol|Upgrade header|Sec-WebSocket/i, NOT_A_WEBSOCKET],
];

/** Explains what the system, Node or the WebSocket client has thrown. */
export function explainError(error: unknown): ErrorReason {
  if (!(error instanceof Error)) return UNEXPECTED;
  if (error instanceof ExplainedError) return { reason: error.reason, remedy: error.remedy };
  // `fetch` throws a TypeError of its own whose cause is the error of the system.
  if (error.cause instanceof Error) return explainError(error.cause);
  if (error.name === 'TimeoutError') return NO_ANSWER;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === '') return lookUp(BY_MESSAGE, (message) => message.test(error.message)) ?? UNEXPECTED;
  const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
  // An unknown code is shown, so that it can be searched for.
  return (
    known ??
    lookUp(BY_PREFIX, (prefix) => code.startsWith(prefix)) ?? { reason: `the unexpected error ${code}` }
  );
}

/** Returns only the reason. */
export function reasonOf(error: unknown): string {
  return explainError(error).reason;
}

function lookUp<K>(
  entries: readonly (readonly [key: K, ErrorReason])[],
  matches: (key: K) => boolean,
): ErrorReason | undefined {
  return entries.find(([key]) => matches(key))?.[1];
}
