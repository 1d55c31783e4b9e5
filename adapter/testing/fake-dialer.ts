/**
 * Makes a fake edge dial its adapter: signs tokens, serves its keys, answers knocks, and opens sockets to an adapter that listens.
 * @module
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { WebSocket } from 'ws';
import { Knock } from '../../shared/protocol/dial.ts';
import type { FakeEdge } from './fake-edge.ts';

/** What the edge of the tests dials. The address is another one, so that the system can choose the port. */
export const PUBLIC_URL = 'https://sbc.example/adapter';

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

export interface TokenOptions {
  readonly claims?: object;
  readonly header?: object;
  /** Signs with a key that is not in the JWKS. */
  readonly isForeign?: boolean;
}

/** How an attempt to dial has ended. */
export interface DialResult {
  /** 101 if the socket is open. */
  readonly status: number;
  readonly proof: string | undefined;
  readonly body: string;
  readonly socket: WebSocket;
}

export class FakeDialer {
  readonly #edge: FakeEdge;
  readonly #keys: Keys;
  readonly #foreignKeys: Keys;
  readonly #jwk: object;
  /** Bodies of the knocks, in order. */
  readonly knocks: Knock[] = [];
  readonly knockRequests: IncomingMessage[] = [];
  /** If not 200, knocks are refused with this HTTP status. By default they are, so that all goes over the link. */
  knockStatus = 503;
  knockBody = '';
  knockHeaders: Record<string, string> = {};
  /** What the answer to a knock asks for. */
  knockAsks: readonly object[] = [];
  /** If true, knocks are never answered. */
  hangsKnocks = false;
  jwksStatus = 200;
  jwksCount = 0;
  /** Whether it dials again whenever a link has ended, as a link that is kept. */
  isKeeping = true;
  #address: string | undefined;
  #dialing: Promise<unknown> | undefined;
  #isStopped = false;

  static async attach(edge: FakeEdge): Promise<FakeDialer> {
    const keys = await generateKeyPair('EdDSA', { extractable: true });
    const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k1', use: 'sig', alg: 'EdDSA' };
    const dialer = new FakeDialer(edge, keys, await generateKeyPair('EdDSA'), jwk);
    edge.onRequest = (request, response) => void dialer.#onRequest(request, response);
    return dialer;
  }

  private constructor(edge: FakeEdge, keys: Keys, foreignKeys: Keys, jwk: object) {
    this.#edge = edge;
    this.#keys = keys;
    this.#foreignKeys = foreignKeys;
    this.#jwk = jwk;
  }

  /** Returns a token that the adapter takes, but for the options. */
  signToken({ claims = {}, header = {}, isForeign = false }: TokenOptions = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    return new SignJWT({
      iss: 'call-api',
      aud: new URL(PUBLIC_URL).origin,
      tenant: 'demo',
      site: 'main',
      jti: randomBytes(32).toString('base64url'),
      iat: now,
      exp: now + 60,
      ...claims,
    })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'call-api-dial+jwt', kid: 'k1', ...header })
      .sign((isForeign ? this.#foreignKeys : this.#keys).privateKey);
  }

  /** Dials the adapter once. */
  async dial(token?: string, address = this.#address): Promise<DialResult> {
    const authorization = `Bearer ${token ?? (await this.signToken())}`;
    return dialWith(`ws://${address}`, { authorization });
  }

  /** Keeps a link to the adapter at `host:port`, instead of the address before. */
  keepDialing(address: string): void {
    this.#address = address;
    this.#dialing ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#dialing;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (!this.isKeeping || this.#edge.isConnected) continue;
      const result = await this.dial().catch(() => undefined);
      if (result?.status === 101) this.#edge.accept(result.socket);
    }
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/.well-known/jwks.json') {
      this.jwksCount += 1;
      response.writeHead(this.jwksStatus).end(JSON.stringify({ keys: [this.#jwk] }));
    } else if (request.url === '/adapter/knock' && request.method === 'POST') {
      await this.#onKnock(request, response);
    } else response.writeHead(404).end();
    this.#edge.notify();
  }

  async #onKnock(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.knockRequests.push(request);
    const knock = Knock.parse(JSON.parse(await text(request)));
    this.knocks.push(knock);
    if (this.hangsKnocks) return;
    // Messages come over the link, if there is one: a knock that arrives late must not store them before.
    const status = this.#edge.isConnected ? 409 : this.knockStatus;
    if (status !== 200) {
      response.writeHead(status, this.knockHeaders).end(this.knockBody);
      return;
    }
    const welcome = this.#edge.store(knock.hello, knock.messages);
    response.writeHead(200).end(JSON.stringify({ welcome, requests: this.knockAsks, dials: false }));
  }
}

/** Sends an upgrade request, and returns the answer. Rejects if there is none. */
export function dialWith(url: string, headers: Record<string, string>): Promise<DialResult> {
  const socket = new WebSocket(url, { headers, perMessageDeflate: false });
  return new Promise((resolve, reject) => {
    let proof: string | undefined;
    socket.on('upgrade', ({ headers: received }) => {
      proof = String(received['x-call-api-proof']);
    });
    socket.on('open', () => {
      // The first message comes with the answer, before anybody listens.
      socket.pause();
      resolve({ status: 101, proof, body: '', socket });
    });
    socket.on('unexpected-response', (_, response) => {
      const { statusCode: status = 0 } = response;
      text(response).then((body) => resolve({ status, proof, body, socket }), reject);
    });
    socket.on('error', reject);
  });
}
