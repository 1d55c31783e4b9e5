/**
 * Secrets and signatures of Standard Webhooks: `v1` is HMAC-SHA256, by a secret that both sides have; `v1a` is ed25519,
 * by a key that does not leave this object. Every webhook carries both, so a receiver verifies the one it likes.
 * @module
 */

/** Bytes of a secret: the specification asks for 24 to 64. */
const SECRET_BYTES = 32;

/** Bytes of an ed25519 seed, and of a public key (RFC 8032 §5.1.5). */
const KEY_BYTES = 32;

/** By what an endpoint is signed for. */
export interface Signer {
  /** `whsec_` and base64. */
  readonly secret: string;
  /** `whsk_` and base64 of the seed and the public key behind it. */
  readonly privateKey: string;
}

/** What is signed: the headers `webhook-id` and `webhook-timestamp` (Unix seconds), and the body as it is sent. */
export interface Message {
  readonly id: string;
  readonly timestamp: number;
  readonly body: string;
}

/** A fresh pair. */
export async function newSigner(): Promise<Signer> {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  if (!('privateKey' in pair)) throw new Error('the platform makes no Ed25519 keys');
  const jwk = await crypto.subtle.exportKey('jwk', pair.privateKey);
  if (jwk instanceof ArrayBuffer) throw new Error('the platform exports no JWK');
  const [seed, pub] = [jwk.d, jwk.x].map((part) => fromBase64(plain(part ?? '')));
  return {
    secret: `whsec_${toBase64(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)))}`,
    privateKey: `whsk_${toBase64([...(seed ?? []), ...(pub ?? [])])}`,
  };
}

/** `whpk_` and base64: what a receiver verifies `v1a` with. */
export function publicKeyOf({ privateKey }: Signer): string {
  return `whpk_${toBase64(bytesOf(privateKey).slice(KEY_BYTES))}`;
}

/** The header `webhook-signature`: two signatures for each signer, in their order. */
export async function signatures(signers: readonly Signer[], message: Message): Promise<string> {
  const content = new TextEncoder().encode(`${message.id}.${message.timestamp}.${message.body}`);
  const each = signers.flatMap((signer) => [hmac(signer, content), ed25519(signer, content)]);
  return (await Promise.all(each)).join(' ');
}

interface Keys {
  readonly hmac: Promise<CryptoKey>;
  readonly ed25519: Promise<CryptoKey>;
}

/** A signer signs many messages, and reading a key costs as much as signing with it. */
const known = new WeakMap<Signer, Keys>();

function keysOf(signer: Signer): Keys {
  const keys = known.get(signer) ?? { hmac: hmacKey(signer), ed25519: ed25519Key(signer) };
  known.set(signer, keys);
  return keys;
}

async function hmac(signer: Signer, content: Uint8Array): Promise<string> {
  const signed = await crypto.subtle.sign('HMAC', await keysOf(signer).hmac, content);
  return `v1,${toBase64(new Uint8Array(signed))}`;
}

async function ed25519(signer: Signer, content: Uint8Array): Promise<string> {
  const signed = await crypto.subtle.sign('Ed25519', await keysOf(signer).ed25519, content);
  return `v1a,${toBase64(new Uint8Array(signed))}`;
}

function hmacKey({ secret }: Signer): Promise<CryptoKey> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  return crypto.subtle.importKey('raw', bytesOf(secret), algorithm, false, ['sign']);
}

function ed25519Key({ privateKey }: Signer): Promise<CryptoKey> {
  const bytes = bytesOf(privateKey);
  const [d, x] = [bytes.slice(0, KEY_BYTES), bytes.slice(KEY_BYTES)].map((part) => urlSafe(toBase64(part)));
  const jwk = { kty: 'OKP', crv: 'Ed25519', d: d ?? '', x: x ?? '' };
  return crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['sign']);
}

/** Of a text with its prefix. */
function bytesOf(text: string): Uint8Array {
  return fromBase64(text.slice(text.indexOf('_') + 1));
}

function toBase64(bytes: Iterable<number>): string {
  return btoa(String.fromCharCode(...bytes));
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** RFC 4648 §5, as JWK has it, and back. */
function urlSafe(base64: string): string {
  return base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

function plain(base64url: string): string {
  return base64url.replaceAll('-', '+').replaceAll('_', '/');
}
