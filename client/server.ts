/** For back ends: creates tokens for browsers, and verifies the webhooks of the edge. @module */
export { type ClientToken, createToken, TokenError, type TokenOptions } from './server/create-token.ts';
export {
  type VerifyOptions,
  verifyWebhook,
  WebhookError,
  type WebhookHeaders,
} from './server/verify-webhook.ts';
export type {
  CallWebhook,
  CommandWebhook,
  LinkWebhook,
  TestWebhook,
  WebhookEvent,
} from './server/webhook-event.ts';
