/** Converts endpoints and deliveries into what the admin API shows. @module */
import type { DeliveryView } from '../../shared/protocol/webhooks/deliveries.ts';
import type { EndpointView } from '../../shared/protocol/webhooks/endpoints.ts';
import type { Delivery, DeliveryLog } from './delivery-log.ts';
import { activeSigners, type Endpoint } from './endpoints.ts';
import type { PendingRanges } from './pending-ranges.ts';
import { publicKeyOf } from './signing.ts';

/** Returns an endpoint with the numbers of its deliveries. */
export function endpointView(
  endpoint: Endpoint,
  { deliveries, ranges }: { readonly deliveries: DeliveryLog; readonly ranges: PendingRanges },
  now: number,
): EndpointView {
  const { id, url, description, events, addresses, enabled, signers, quietUntil } = endpoint;
  return {
    id,
    url,
    description,
    events: [...events],
    addresses: [...addresses],
    enabled,
    disabled_because: endpoint.disabledReason,
    created: isoTime(endpoint.createdAt),
    public_keys: activeSigners(signers, now).map(publicKeyOf),
    quiet_until: quietUntil > now ? isoTime(quietUntil) : null,
    behind: ranges.countPending(id),
    waiting: deliveries.countWaiting(id),
    failed: deliveries.countFailed(id),
    dropped: endpoint.droppedCount,
  };
}

export function deliveryView(delivery: Delivery): DeliveryView {
  const { number, messageId, type, state, createdAt, due, attempts } = delivery;
  return {
    n: number,
    webhook_id: messageId,
    type,
    state,
    created: isoTime(createdAt),
    next_try: due === null ? null : isoTime(due),
    attempts: [...attempts],
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
