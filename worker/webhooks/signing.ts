/**
 * Secrets and signatures of Standard Webhooks: `v1` is HMAC-SHA256 with a secret that both sides know; `v1a` is Ed25519
 * with a private key that never leaves this object. Every webhook carries both, so a receiver may verify either.
 * @module
 */

/** Bytes of a secret: the specification asks for 24 to 64. */
const SECRET_BYTES = 32;

/** Bytes of an Ed25519 seed, and of a public key (RFC 8032 §5.1.5). */
const ED25519_KEY_BYTES = 32;

/** The keys that sign for an endpoint. */
export interface Signer {
  /** `whsec_` and base64. */
  readonly secret: string;
  /** `whsk_` and base64 of the seed followed by the public key. */
  readonly privateKey: string;
}

/** What is signed: the headers `webhook-id` and `webhook-timestamp` (Unix seconds), and the body exactly as sent. */
export interface SignedMessage {
  readonly id: string;
  readonly timestamp: number;
  readonly body: string;
}

export async function generateSigner(): Promise<Signer> {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  if (!('privateKey' in pair)) throw new Error('The platform generates no Ed25519 key pairs');
  const jwk = await crypto.subtle.exportKey('jwk', pair.privateKey);
  if (jwk instanceof ArrayBuffer) throw new Error('The platform does not export keys as JWK');
  const [seed, publicKey] = [jwk.d, jwk.x].map((part) => fromBase64(fromBase64Url(part ?? '')));
  return {
    secret: `whsec_${toBase64(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)))}`,
    privateKey: `whsk_${toBase64([...(seed ?? []), ...(publicKey ?? [])])}`,
  };
}

/** Returns the key with which a receiver verifies `v1a`: `whpk_` and base64. */
export function publicKeyOf({ privateKey }: Signer): string {
  return `whpk_${toBase64(decodeKey(privateKey).slice(ED25519_KEY_BYTES))}`;
}

/** Returns the header `webhook-signature`: two signatures per signer, in their order. */
export async function signatureHeader(signers: readonly Signer[], message: SignedMessage): Promise<string> {
  const content = new TextEncoder().encode(`${message.id}.${message.timestamp}.${message.body}`);
  const signatures = signers.flatMap((signer) => [signHmac(signer, content), signEd25519(signer, content)]);
  return (await Promise.all(signatures)).join(' ');
}

interface ImportedKeys {
  readonly hmac: Promise<CryptoKey>;
  readonly ed25519: Promise<CryptoKey>;
}

/** A signer signs many messages, and importing a key costs as much as signing with it. */
const importedKeys = new WeakMap<Signer, ImportedKeys>();

function keysOf(signer: Signer): ImportedKeys {
  const keys = importedKeys.get(signer) ?? {
    hmac: importHmacKey(signer),
    ed25519: importEd25519Key(signer),
  };
  importedKeys.set(signer, keys);
  return keys;
}

async function signHmac(signer: Signer, content: Uint8Array): Promise<string> {
  const signature = await crypto.subtle.sign('HMAC', await keysOf(signer).hmac, content);
  return `v1,${toBase64(new Uint8Array(signature))}`;
}

async function signEd25519(signer: Signer, content: Uint8Array): Promise<string> {
  const signature = await crypto.subtle.sign('Ed25519', await keysOf(signer).ed25519, content);
  return `v1a,${toBase64(new Uint8Array(signature))}`;
}

function importHmacKey({ secret }: Signer): Promise<CryptoKey> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  return crypto.subtle.importKey('raw', decodeKey(secret), algorithm, false, ['sign']);
}

function importEd25519Key({ privateKey }: Signer): Promise<CryptoKey> {
  const bytes = decodeKey(privateKey);
  const [d, x] = [bytes.slice(0, ED25519_KEY_BYTES), bytes.slice(ED25519_KEY_BYTES)].map((part) =>
    toBase64Url(toBase64(part)),
  );
  const jwk = { kty: 'OKP', crv: 'Ed25519', d: d ?? '', x: x ?? '' };
  return crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['sign']);
}

/** Decodes the base64 after the prefix. */
function decodeKey(text: string): Uint8Array {
  return fromBase64(text.slice(text.indexOf('_') + 1));
}

function toBase64(bytes: Iterable<number>): string {
  return btoa(String.fromCharCode(...bytes));
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Converts to the alphabet of RFC 4648 §5, which JWK uses. */
function toBase64Url(base64: string): string {
  return base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

function fromBase64Url(base64url: string): string {
  return base64url.replaceAll('-', '+').replaceAll('_', '/');
}
