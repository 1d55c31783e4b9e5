/** Signatures of Standard Webhooks, made by the library of the specification and by an Ed25519 key. */
import { Webhook } from 'standardwebhooks';
import { expect, it } from 'vitest';
import { WebhookPayload } from '../../shared/protocol/webhooks/events.ts';
import { verifyWebhook, WebhookError } from './verify-webhook.ts';
import type { WebhookEvent } from './webhook-event.ts';

const SECRET = `whsec_${btoa('a secret of the tests, 32 bytes.')}`;
const NOW = 1_764_547_200_000;
const BODY = '{"type":"webhook.test","timestamp":"2025-12-01T00:00:00.000Z","data":{"endpoint":"Zoë"}}';

const headersOf = (signature: string, seconds = NOW / 1_000) => ({
  'webhook-id': 'msg_1',
  'webhook-timestamp': String(seconds),
  'webhook-signature': signature,
});
const signatureOf = (secret: string, seconds = NOW / 1_000) =>
  new Webhook(secret).sign('msg_1', new Date(seconds * 1_000), BODY);
const base64 = (bytes: ArrayBuffer) => btoa(String.fromCharCode(...new Uint8Array(bytes)));

it('returns the event of a body that a secret has signed, from headers of Fetch and of Node.js', async () => {
  const headers = headersOf(signatureOf(SECRET));
  const upper = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]),
  );
  for (const each of [headers, new Headers(headers), upper])
    for (const body of [BODY, new TextEncoder().encode(BODY)])
      expect(await verifyWebhook(body, each, SECRET, { now: NOW })).toEqual(JSON.parse(BODY));
});

it('accepts any of several keys and signatures, as during a rotation', async () => {
  const other = `whsec_${btoa('another secret of these tests...')}`;
  const headers = headersOf(`${signatureOf(other)} v1,AAAA v2,x ${signatureOf(SECRET)}`);
  expect(await verifyWebhook(BODY, headers, [SECRET], { now: NOW })).toMatchObject({ type: 'webhook.test' });
  expect(
    await verifyWebhook(BODY, headersOf(signatureOf(SECRET)), [other, SECRET], { now: NOW }),
  ).toMatchObject({ type: 'webhook.test' });
});

it('verifies v1a with a public key', async () => {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  if (!('privateKey' in pair)) throw new Error('There is no pair of keys');
  const key = `whpk_${base64(await crypto.subtle.exportKey('raw', pair.publicKey))}`;
  const text = new TextEncoder().encode(`msg_1.${NOW / 1_000}.${BODY}`);
  const headers = headersOf(`v1a,${base64(await crypto.subtle.sign('Ed25519', pair.privateKey, text))}`);
  expect(await verifyWebhook(BODY, headers, key, { now: NOW })).toMatchObject({ type: 'webhook.test' });
  await expect(verifyWebhook(`${BODY} `, headers, key, { now: NOW })).rejects.toThrow(WebhookError);
});

it.each([
  ['another secret', BODY, headersOf(signatureOf(`whsec_${btoa('x'.repeat(32))}`)), /^webhook-signature: no/],
  ['another body', `${BODY} `, headersOf(signatureOf(SECRET)), /^webhook-signature: no/],
  ['another id', BODY, { ...headersOf(signatureOf(SECRET)), 'webhook-id': 'b' }, /^webhook-signature: no/],
  ['no header', BODY, {}, /^webhook-id: missing/],
  ['no base64', BODY, headersOf('v1,%'), /^webhook-signature: no/],
  [
    'an old time',
    BODY,
    headersOf(signatureOf(SECRET), NOW / 1_000 - 301),
    /^webhook-timestamp: "1764546899" is/,
  ],
  ['a later time', BODY, headersOf(signatureOf(SECRET), NOW / 1_000 + 301), /^webhook-timestamp: /],
  [
    'no time',
    BODY,
    { ...headersOf(signatureOf(SECRET)), 'webhook-timestamp': 'x' },
    /^webhook-timestamp: "x"/,
  ],
])('rejects %s, and says why', async (_, body, headers, message) => {
  await expect(verifyWebhook(body, headers, SECRET, { now: NOW })).rejects.toThrow(message);
});

it('says that a key is none', async () => {
  await expect(verifyWebhook(BODY, headersOf('v1,AAAA'), 'whsk_x', { now: NOW })).rejects.toThrow(
    /whsec_ or whpk_/,
  );
});

it('has types whose values the schema of the edge accepts', () => {
  const parties = { caller: null, callee: null, origin: null };
  const call = { callid: 'a', state: 'ended', ...parties, began: 1, seq: 2 } as const;
  const timestamp = '2025-12-01T00:00:00.000Z';
  const adapters = [{ adapter: 'a', role: 'active', reachable: true }] as const;
  const error = { code: -32010, message: 'Refused', sip: { status: 486, reason: 'Busy Here' } };
  const command = {
    seq: 1,
    cmd_id: 'a',
    method: 'CallEnd',
    event: 'Error',
    data: '486 Busy Here',
    error,
  } as const;
  const events = [
    { type: 'command.call_end.error', timestamp, data: command },
    { type: 'call.ended', timestamp, data: { seq: 2, event: 'Ended', call } },
    { type: 'link.up', timestamp, data: { seq: 3, event: 'Up', adapters } },
    { type: 'webhook.test', timestamp, data: { endpoint: 'a' } },
  ] satisfies WebhookEvent[];
  for (const event of events) expect(WebhookPayload.parse(event)).toEqual(event);
});
