/** Webhook endpoints in the admin API: the bodies of requests, and endpoints as they are returned. @module */
import * as z from 'zod';
import { Pattern } from '../../policy/policy.ts';
import { expectations } from '../validation/expectations.ts';

/** The most endpoints of a site. The platform lets an object wait for the responses to six requests at once. */
export const MAX_ENDPOINTS = 5;

/** The longest time that a rotated secret is used beside its successor, in seconds: 7 days. */
export const MAX_SECRET_OVERLAP_S = 7 * 86_400;

const Time = z.iso.datetime();

const TypePattern = z
  .string()
  .max(64)
  .regex(/^[a-z_.*]+$/)
  .register(expectations, { expected: 'a type of event such as call.ended, or a pattern such as call.*' });

const endpointFields = {
  url: z
    .url({ protocol: /^https?$/, hostname: /./ })
    .max(2_048)
    .refine(hasNoCredentials, {
      message:
        'has a user name, a password or a fragment. Remove it. The signature shows who has sent a webhook.',
    })
    .register(expectations, { expected: 'a URL such as https://hooks.example/calls' })
    .meta({ examples: ['https://hooks.example/calls'] }),
  description: z
    .string()
    .max(256)
    .regex(/^\P{Cc}*$/u, 'contains a line break or another control character. Remove it.')
    .optional(),
  events: z.array(TypePattern).min(1).max(50).optional().meta({
    description: 'types of events to send, in which `*` matches any characters; default: all',
  }),
  addresses: z.array(Pattern).max(100).optional().meta({
    description:
      'send only events of these parties: patterns of `user@host`, as in rules; default: all events',
  }),
  enabled: z
    .boolean()
    .optional()
    .meta({ description: 'while `false`, nothing is sent; pending deliveries are kept' }),
};

export const EndpointBody = z.strictObject(endpointFields);
export type EndpointBody = z.infer<typeof EndpointBody>;
export const EndpointChange = z
  .strictObject({ ...endpointFields, url: endpointFields.url.optional() })
  .refine((body) => Object.values(body).some((value) => value !== undefined), {
    message: `changes nothing. Give at least one of ${Object.keys(endpointFields).join(', ')}.`,
  });
export type EndpointChange = z.infer<typeof EndpointChange>;

export const RotateSecretBody = z.strictObject({
  grace: z
    .number()
    .int()
    .min(0)
    .max(MAX_SECRET_OVERLAP_S)
    .default(86_400)
    .meta({ description: 'how long the old secret signs as well, in seconds; default: a day' }),
});

export const EndpointView = z.object({
  id: z.string(),
  url: z.string(),
  description: z.string(),
  events: z.array(z.string()),
  addresses: z.array(z.string()),
  enabled: z.boolean(),
  disabled_because: z
    .string()
    .nullable()
    .meta({ description: 'why the edge has disabled the endpoint; `null` if it has not' }),
  created: Time,
  public_keys: z
    .array(z.string())
    .meta({ description: 'for verifying `v1a` signatures, newest first. They are not secret' }),
  quiet_until: Time.nullable().meta({
    description: 'the endpoint has asked, with `Retry-After`, to send nothing before this time',
  }),
  behind: z.number().int().meta({
    description:
      'sequence numbers (`seq`) of the site that have not been examined for this endpoint yet, whether it wants their events or not',
  }),
  waiting: z.number().int().meta({ description: 'pending deliveries' }),
  failed: z.number().int().meta({ description: 'deliveries that have failed permanently' }),
  dropped: z.number().int().meta({ description: 'events that were dropped because the queue was full' }),
});
export type EndpointView = z.infer<typeof EndpointView>;

export const EndpointWithSecret = EndpointView.extend({
  secret: z
    .string()
    .startsWith('whsec_')
    .meta({ description: 'for verifying `v1` signatures. It is returned only this once' }),
});
export type EndpointWithSecret = z.infer<typeof EndpointWithSecret>;

/** Returns whether the host of a URL follows its scheme immediately, without user and password, and it has no fragment. */
function hasNoCredentials(url: string): boolean {
  return /^https?:\/\/[^/?#@\\\s]+(?:[/?][^#\\\s]*)?$/i.test(url);
}
