/** Signatures as receivers verify them: by the library of the specification, and by a public key. */
import { Webhook } from 'standardwebhooks';
import { expect, it } from 'vitest';
import { newSigner, publicKeyOf, type Signer, signatures } from './signing.ts';

const body = '{"type":"call.ended","name":"Zoë"}';
const message = { id: 'msg_1', timestamp: Math.floor(Date.now() / 1_000), body };

const headersOf = async (signers: readonly Signer[], of = message) => ({
  'webhook-id': of.id,
  'webhook-timestamp': String(of.timestamp),
  'webhook-signature': await signatures(signers, of),
});

it('v1 is what the library of Standard Webhooks verifies', async () => {
  const signer = await newSigner();
  const headers = await headersOf([signer]);
  expect(new Webhook(signer.secret).verify(body, headers)).toEqual(JSON.parse(body));
  const tampered = { ...headers, 'webhook-id': 'msg_2' };
  expect(() => new Webhook(signer.secret).verify(body, tampered)).toThrow();
  expect(() => new Webhook(signer.secret).verify(`${body} `, headers)).toThrow();
});

it('v1a is what a public key verifies, and that key is no secret', async () => {
  const signer = await newSigner();
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

it('while a secret is rotated, the old one and the new one verify', async () => {
  const [fresh, old, other] = [await newSigner(), await newSigner(), await newSigner()];
  const headers = await headersOf([fresh, old]);
  expect(headers['webhook-signature'].split(' ').map((each) => each.split(',')[0])).toEqual([
    'v1',
    'v1a',
    'v1',
    'v1a',
  ]);
  for (const { secret } of [fresh, old]) expect(new Webhook(secret).verify(body, headers)).toBeTruthy();
  expect(() => new Webhook(other.secret).verify(body, headers)).toThrow();
});

it('secrets are as the specification has them', async () => {
  const one = await newSigner();
  expect(one.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(one.privateKey).toMatch(/^whsk_[A-Za-z0-9+/=]{88}$/);
  expect((await newSigner()).secret).not.toBe(one.secret);
});
