/** Signatures can be verified with the library of the specification, and with a public key. */
import { Webhook } from 'standardwebhooks';
import { expect, it } from 'vitest';
import { generateSigner, publicKeyOf, type Signer, signatureHeader } from './signing.ts';

const body = '{"type":"call.ended","name":"Zoë"}';
const message = { id: 'msg_1', timestamp: Math.floor(Date.now() / 1_000), body };

const headersOf = async (signers: readonly Signer[], signed = message) => ({
  'webhook-id': signed.id,
  'webhook-timestamp': String(signed.timestamp),
  'webhook-signature': await signatureHeader(signers, signed),
});

it('signs v1 so that the library of Standard Webhooks verifies it', async () => {
  const signer = await generateSigner();
  const headers = await headersOf([signer]);
  expect(new Webhook(signer.secret).verify(body, headers)).toEqual(JSON.parse(body));
  const tampered = { ...headers, 'webhook-id': 'msg_2' };
  expect(() => new Webhook(signer.secret).verify(body, tampered)).toThrow();
  expect(() => new Webhook(signer.secret).verify(`${body} `, headers)).toThrow();
});

it('signs v1a so that the public key verifies it', async () => {
  const signer = await generateSigner();
  const [, v1a = ''] = (await headersOf([signer]))['webhook-signature'].split(' ');
  expect(v1a).toMatch(/^v1a,/);
  const publicKey = publicKeyOf(signer);
  expect(publicKey).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/);
  const bytes = (text: string) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const key = await crypto.subtle.importKey('raw', bytes(publicKey.slice(5)), 'Ed25519', false, ['verify']);
  const verify = (text: string) =>
    crypto.subtle.verify('Ed25519', key, bytes(v1a.slice(4)), new TextEncoder().encode(text));
  expect(await verify(`${message.id}.${message.timestamp}.${body}`)).toBe(true);
  expect(await verify(`${message.id}.${message.timestamp + 1}.${body}`)).toBe(false);
});

it('signs with the old and the new secret during a rotation', async () => {
  const [successor, old, other] = [await generateSigner(), await generateSigner(), await generateSigner()];
  const headers = await headersOf([successor, old]);
  expect(headers['webhook-signature'].split(' ').map((signature) => signature.split(',')[0])).toEqual([
    'v1',
    'v1a',
    'v1',
    'v1a',
  ]);
  for (const { secret } of [successor, old]) expect(new Webhook(secret).verify(body, headers)).toBeTruthy();
  expect(() => new Webhook(other.secret).verify(body, headers)).toThrow();
});

it('generates secrets in the format of the specification', async () => {
  const signer = await generateSigner();
  expect(signer.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(signer.privateKey).toMatch(/^whsk_[A-Za-z0-9+/=]{88}$/);
  expect((await generateSigner()).secret).not.toBe(signer.secret);
});
