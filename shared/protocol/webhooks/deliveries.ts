/** Deliveries of webhooks in the admin API. @module */
import * as z from 'zod';

const Time = z.iso.datetime();

export const DELIVERY_STATES = ['waiting', 'delivered', 'failed'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** The URL parameters for a page of deliveries. */
export const DeliveriesQuery = z.strictObject({
  state: z.enum(DELIVERY_STATES).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  before: z.coerce.number().int().min(1).optional().meta({ description: '`next` of the previous page' }),
});
export type DeliveriesQuery = z.infer<typeof DeliveriesQuery>;

/** An attempt to deliver an event. */
export const DeliveryAttempt = z.object({
  at: Time,
  ms: z.number().int().meta({ description: 'how long it took, in milliseconds' }),
  status: z
    .number()
    .int()
    .optional()
    .meta({ description: 'the status of the response; absent if there was none' }),
  error: z.string().optional().meta({ description: 'why the attempt has failed' }),
});
export type DeliveryAttempt = z.infer<typeof DeliveryAttempt>;

export const DeliveryView = z.object({
  n: z.number().int().meta({ description: 'its number in the delivery log of the site' }),
  webhook_id: z.string().meta({ description: 'the header `webhook-id`' }),
  type: z.string(),
  state: z.enum(DELIVERY_STATES),
  created: Time,
  next_try: Time.nullable(),
  attempts: z.array(DeliveryAttempt),
});
export type DeliveryView = z.infer<typeof DeliveryView>;
