/** What an administrator sees of endpoints and deliveries. @module */
import type { DeliveryView, EndpointView } from '../../shared/webhooks.ts';
import type { Deliveries, Delivery } from './deliveries.ts';
import { type Endpoint, signing } from './endpoints.ts';
import { publicKeyOf } from './signing.ts';
import type { Spans } from './spans.ts';

/** Of an endpoint, with how its deliveries stand. */
export function viewOfEndpoint(
  endpoint: Endpoint,
  { deliveries, spans }: { readonly deliveries: Deliveries; readonly spans: Spans },
  now: number,
): EndpointView {
  const { id, url, description, enabled, because, created, signers, quietUntil, dropped } = endpoint;
  return {
    id,
    url,
    description,
    events: [...endpoint.events],
    addresses: [...endpoint.addresses],
    enabled,
    disabled_because: because,
    created: time(created),
    public_keys: signing(signers, now).map(publicKeyOf),
    quiet_until: quietUntil > now ? time(quietUntil) : null,
    behind: spans.behind(id),
    waiting: deliveries.waiting(id),
    failed: deliveries.failed(id),
    dropped,
  };
}

export function viewOfDelivery({ n, id, type, state, created, due, attempts }: Delivery): DeliveryView {
  return {
    n,
    webhook_id: id,
    type,
    state,
    created: time(created),
    next_try: due === null ? null : time(due),
    attempts: [...attempts],
  };
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
