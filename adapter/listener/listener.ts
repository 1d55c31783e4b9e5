/** The listener of an adapter that its edge dials. It answers the edge, and tells everybody else nothing. @module */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import type { JWTVerifyGetKey } from 'jose';
import { type WebSocket, WebSocketServer } from 'ws';
import { PROOF_HEADER } from '../../shared/protocol/dial.ts';
import { reasonOf } from '../../shared/settings/error-reason.ts';
import { type Address, formatAddress } from '../../shared/settings/value-types.ts';
import { SOCKET_OPTIONS } from '../link/socket-options.ts';
import type { Log } from '../log.ts';
import { proofOf } from './adapter-key.ts';
import { verifyDialToken } from './dial-token.ts';
import type { ListenSettings, TlsSettings } from './listener-settings.ts';
import { PendingConnections } from './pending-connections.ts';
import type { Refusal } from './refusal.ts';
import { RefusalLog } from './refusal-log.ts';
import { UsedNonces } from './used-nonces.ts';

/** Some kilobytes each. An edge opens one at a time; a proxy in front needs some for what others send it. */
const MAX_PENDING = 256;
const MAX_PENDING_PER_SOURCE = 64;

/** In bytes. A proxy may add some headers to the token, which has at most 4,096. */
const MAX_HEADER_SIZE = 8_192;

/** What everybody gets who does not open a WebSocket. RFC 9110 §15.5.22 demands the Upgrade header. */
export const UPGRADE_REQUIRED =
  'HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: close\r\n';
const UNAUTHORIZED = 'HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n';

export interface ListenerOptions {
  /** For the TLS handshake, the request and its token, together. */
  readonly handshakeTimeoutMs: number;
  readonly keys: JWTVerifyGetKey;
  readonly log: Log;
  /** Receives each socket that the edge has opened. */
  readonly onSocket: (socket: WebSocket) => void;
}

export class Listener {
  readonly #settings: ListenSettings;
  readonly #options: ListenerOptions;
  readonly #refusals: RefusalLog;
  readonly #pending: PendingConnections;
  readonly #nonces = new UsedNonces();
  readonly #sockets = new WebSocketServer({ ...SOCKET_OPTIONS, noServer: true, clientTracking: false });
  /** The proofs for requests that are being answered. */
  readonly #proofs = new WeakMap<IncomingMessage, string>();
  readonly #server: Server;

  constructor(settings: ListenSettings, options: ListenerOptions) {
    this.#settings = settings;
    this.#options = options;
    this.#refusals = new RefusalLog(options.log);
    const limits = {
      max: MAX_PENDING,
      maxPerSource: MAX_PENDING_PER_SOURCE,
      timeoutMs: options.handshakeTimeoutMs,
    };
    this.#pending = new PendingConnections(limits, (refused, source) => this.#record({ refused }, source));
    this.#server = createListenerServer(settings);
    this.#sockets.on('headers', (headers, request) => {
      headers.push(`${PROOF_HEADER}: ${this.#proofs.get(request) ?? ''}`);
    });
    this.#server.on('connection', (socket: Socket) => this.#pending.add(socket));
    this.#server.on('tlsClientError', ({ code = '' }: NodeJS.ErrnoException, socket: TLSSocket) => {
      this.#record({ refused: 'not-tls', detail: tlsFault(code, socket) }, socket.remoteAddress);
    });
    this.#server.on('clientError', (_, socket) => {
      const { remoteAddress } = socket as Socket;
      // The client has closed the connection.
      if (remoteAddress !== undefined) this.#record({ refused: 'not-http' }, remoteAddress);
      socket.destroy();
    });
    this.#server.on('request', ({ socket }) => {
      this.#refuse(socket, UPGRADE_REQUIRED, { refused: 'no-token' });
    });
    this.#server.on('upgrade', (request, socket, head) => void this.#onUpgrade(request, socket, head));
  }

  /** Rejects if the address cannot be used. Returns the address: the system chooses the port if it is 0. */
  async listen(): Promise<Address> {
    const { host, port } = this.#settings.address;
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    // Such as too many open files: the connection is lost, the listener is not.
    this.#server.on('error', (error) => {
      this.#options.log.warn(`Cannot accept a connection: ${reasonOf(error)}.`);
    });
    const { address, port: actualPort } = this.#server.address() as AddressInfo;
    return { host: address, port: actualPort };
  }

  /**
   * Reads the certificate files again, for new connections. Links stay open. If a file cannot be used, the certificate stays as it is, and
   * one line says why.
   */
  reloadCertificate(): void {
    const { log } = this.#options;
    const reading = this.#settings.readTls();
    if ('errors' in reading) {
      log.error(`Cannot reload the certificate, so the one in use stays. ${reading.errors.join(' ')}`);
    } else if (reading.tls && this.#server instanceof HttpsServer) {
      this.#server.setSecureContext(secureContextOf(reading.tls));
      log.info({ valid_to: new X509Certificate(reading.tls.cert).validTo }, 'Reloaded the certificate.');
    } else {
      log.info('There is no certificate to reload: a proxy ends TLS.');
    }
  }

  /** Accepts no more connections. Those that were given to `onSocket` stay open. */
  close(): void {
    this.#server.close();
    this.#pending.close();
  }

  async #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => {});
    const [, token] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    const refusal: Refusal | undefined =
      token === undefined ? { refused: 'no-token' } : await this.#authenticate(request, token);
    if (socket.destroyed) return;
    if (refusal) {
      this.#refuse(request.socket, UNAUTHORIZED, refusal);
      return;
    }
    this.#pending.release(request.socket);
    this.#sockets.handleUpgrade(request, socket, head, this.#options.onSocket);
  }

  /** Returns why a request is refused; otherwise it has a proof. */
  async #authenticate(request: IncomingMessage, token: string): Promise<Refusal | undefined> {
    const { publicUrl, key } = this.#settings;
    const audience = new URL(publicUrl).origin;
    const now = Date.now();
    const verified = await verifyDialToken(token, { audience, tenant: key.tenant }, this.#options.keys, now);
    if ('refused' in verified) return verified;
    const use = this.#nonces.use(verified.nonce, verified.expires, now / 1_000);
    if (use !== 'new') return { refused: use === 'used' ? 'replayed' : 'too-many-tokens' };
    this.#proofs.set(request, proofOf(key, audience, verified.nonce));
    return undefined;
  }

  #refuse(socket: Socket, head: string, refusal: Refusal): void {
    this.#record(refusal, socket.remoteAddress);
    // The rest of the request is not read: the client may send as much as it likes.
    socket.end(`${head}Content-Length: 0\r\n\r\n`, () => socket.destroy());
  }

  #record(refusal: Refusal, source = 'unknown'): void {
    this.#refusals.record(refusal, source, performance.now());
  }
}

/** Returns a server with the limits and the TLS of the listener, which does nothing yet. */
export function createListenerServer({ tls }: Pick<ListenSettings, 'tls'>): Server {
  const options = { maxHeaderSize: MAX_HEADER_SIZE };
  if (!tls) return createHttpServer(options);
  const mutual = tls.clientCa ? { requestCert: true, rejectUnauthorized: true } : {};
  return createHttpsServer({ ...options, ...secureContextOf(tls), ...mutual });
}

function secureContextOf({ cert, key, clientCa }: TlsSettings): SecureContextOptions {
  return { cert, key, ...(clientCa ? { ca: [...clientCa] } : {}) };
}

/** Names the faults that an operator has to correct; others are shown by their code. */
function tlsFault(code: string, { authorizationError }: TLSSocket): string {
  if (code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE')
    return 'the client has shown no certificate, which --client-ca demands';
  // Its type is Error; it is the code of X.509 verification. Node.js then reports the end of the connection only.
  if (authorizationError)
    return `the certificate of the client is not of an authority in --client-ca, or not valid now: ${String(authorizationError)}`;
  return code === '' ? 'it was interrupted' : code;
}

/** Returns where the adapter listens, for the log. */
export function describeListener(address: Address, { tls }: ListenSettings): object {
  return { listen: formatAddress(address), tls: tls !== undefined, mtls: tls?.clientCa !== undefined };
}
