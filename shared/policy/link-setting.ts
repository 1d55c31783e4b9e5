/** Who opens the link of a site: its adapter, or the edge, which then dials an adapter that listens. @module */
import * as z from 'zod';
import { expectations } from '../protocol/validation/expectations.ts';
import { LOCATIONS } from './locations.ts';

/** How long a link that the edge has dialed may be idle, in seconds. A socket held open all month has a price. */
export const IDLE_S = { min: 10, max: 3_600, default: 60 } as const;

/** The most URLs of a site: as many as it may have adapters (`MAX_ADAPTERS` in `worker/switchboard/link/link.ts`). */
export const MAX_DIAL_URLS = 4;

/** The URL of an adapter that listens. Where it may be is decided when it is set, and when it is dialed. */
const DialUrl = z
  .url({ protocol: /^https?$/, hostname: /./ })
  .max(2_048)
  .refine((url) => /^https?:\/\/[^/?#@\\\s]+(?:[/?][^#\\\s]*)?$/i.test(url), {
    message:
      'has a user name, a password or a fragment. Remove it. The edge and the adapter prove who they are.',
  })
  .register(expectations, { expected: 'a URL such as https://adapter.example.com/link' })
  .meta({
    description: 'where the adapter listens: `--public-url`',
    examples: ['https://adapter.example.com/link'],
  });

const Accept = z.strictObject({
  mode: z.literal('accept').meta({ description: 'the adapter connects to the edge' }),
});

const Dial = z.strictObject({
  mode: z.literal('dial').meta({ description: 'the edge connects to the adapter' }),
  url: DialUrl,
  more_urls: z
    .array(DialUrl)
    .max(MAX_DIAL_URLS - 1)
    .optional()
    .meta({
      description:
        'where the other adapters of the site listen. The edge holds a link to each while it needs one, so that another adapter takes over at once',
    }),
  idle_s: z
    .number()
    .int()
    .min(IDLE_S.min)
    .max(IDLE_S.max)
    .default(IDLE_S.default)
    .meta({ description: 'the edge closes a link that nobody has needed for this time, in seconds' }),
  keep: z
    .boolean()
    .default(false)
    .meta({ description: 'the link is always open, and dialed again whenever it is lost' }),
});

/** Who opens the link. A setting that is given replaces the previous one as a whole. */
export const LinkSetting = z.discriminatedUnion('mode', [Accept, Dial]);
export type LinkSetting = z.infer<typeof LinkSetting>;

/** What the edge needs to dial the adapters of a site. */
export const DialTarget = z.object({
  url: Dial.shape.url,
  more_urls: Dial.shape.more_urls,
  idle_s: z.number(),
  keep: z.boolean(),
  /** `tenant/site`. */
  siteName: z.string(),
  /** Where the objects of the site are created. */
  location: z.enum(LOCATIONS).optional(),
});
export type DialTarget = z.infer<typeof DialTarget>;

/** Returns where the adapters of a site are dialed, each URL once. */
export function dialUrls({
  url,
  more_urls = [],
}: {
  readonly url: string;
  readonly more_urls?: readonly string[] | undefined;
}): string[] {
  return [...new Set([url, ...more_urls])];
}

/** What a Dialer is asked for. */
export interface DialOrder extends DialTarget {
  /** The number of the Dialer. A Dialer with another number does not dial the site any more. */
  readonly shard: number;
}
