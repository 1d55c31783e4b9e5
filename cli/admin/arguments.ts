/** The arguments of the admin commands, each described once by its name. Pure. @module */
import type { Argument } from 'commander';
import * as z from 'zod';
import { EndpointChange } from '../../shared/protocol/webhooks/endpoints.ts';
import { acceptedBy, parserOf } from '../commands/argument-parsers.ts';

/** The name of a tenant, a site or an administrator. */
export const idType = (kind: string) =>
  z
    .string()
    .regex(
      /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/,
      `is not the name of ${article(kind)} ${kind}. Use 1 to 32 lower-case letters, digits and hyphens, without a hyphen at the ends.`,
    );

function article(noun: string): string {
  return /^[aeiou]/.test(noun) ? 'an' : 'a';
}

/** The address of a webhook. */
export const urlType = () =>
  acceptedBy(
    EndpointChange,
    'is not the URL of a webhook. Write it like https://hooks.example.com/calls, without user, password and fragment.',
    (url) => ({ url }),
  );

/** What the edge has chosen itself. */
const generatedId = (kind: string) =>
  z.string().regex(/^[\w.-]{1,64}$/, `is not the id of a ${kind}. Use one that ${kind} list shows.`);

/** The number of an entry in a list. */
export const entryNumber = (message: string) =>
  z
    .string()
    .regex(/^[1-9]\d{0,14}$/, message)
    .transform(Number);

const ARGUMENTS: Readonly<
  Record<string, { readonly help: string; readonly type: z.ZodType<unknown, string> }>
> = {
  TENANT: { help: 'Name of the tenant', type: idType('tenant') },
  NAME: { help: 'Name of the administrator', type: idType('administrator') },
  SITE: { help: 'Name of the site', type: idType('site') },
  URL: { help: 'Address to which the events are sent', type: urlType() },
  'KEY-ID': { help: 'Id of the key, as key list shows it', type: generatedId('key') },
  'WEBHOOK-ID': { help: 'Id of the webhook, as webhook list shows it', type: generatedId('webhook') },
  N: {
    help: 'Number of the delivery, as webhook deliveries shows it',
    type: entryNumber('is not the number of a delivery. Use one that webhook deliveries shows.'),
  },
};

/** Adds the help and the check of the value to an argument. */
export function describeArgument(argument: Argument): void {
  const known = ARGUMENTS[argument.name()];
  if (!known) return;
  argument.description = known.help;
  argument.argParser(parserOf(argument.name(), known.type));
}
