/**
 * Types of values that several programs have settings of. Each reads the text of a value; its error message completes the
 * sentence `--flag: "text" …`, and says what to write.
 * @module
 */
import * as z from 'zod';
import { MAX_URI_LENGTH } from '../sip/sip-uri.ts';

/** A UDP address as `HOST:PORT` gives it. */
export interface Address {
  /** A name or an IP address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

const MAX_PORT = 65_535;

const IPV6 = z.ipv6();

/** `HOST:PORT`, where an IPv6 address stands in brackets (RFC 3986 §3.2.2). A name may have `_`, as those of containers do. */
const HOST_PORT = /^(?:\[([^\s[\]]+)\]|([^\s:/@[\]]+)):(\d{1,5})$/;

/** Returns an address as `HOST:PORT`. */
export function formatAddress({ host, port }: Address): string {
  return `${formatHost(host)}:${port}`;
}

/** Returns a host as it stands in a URL or a SIP URI: an IPv6 address in brackets. */
export function formatHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** @param minPort 0 where the system may choose the port */
export const hostPort = (minPort: 0 | 1 = 1) =>
  z.string().transform((text, context): Address => {
    const [, ipv6, name, port = ''] = HOST_PORT.exec(text) ?? [];
    const host = name ?? (ipv6 !== undefined && IPV6.safeParse(ipv6).success ? ipv6 : undefined);
    if (host !== undefined && Number(port) >= minPort && Number(port) <= MAX_PORT)
      return { host, port: Number(port) };
    context.addIssue({
      code: 'custom',
      message: `is not HOST:PORT. Use a port from ${minPort} to ${MAX_PORT}, such as 127.0.0.1:8080.`,
    });
    return z.NEVER;
  });

export const Port = wholeNumber(1, MAX_PORT);

export function wholeNumber(min: number, max: number) {
  return z
    .string()
    .transform((text) => (/^\d+$/.test(text) ? Number(text) : Number.NaN))
    .refine((number) => number >= min && number <= max, {
      message: `is not a whole number from ${min} to ${max}. Use a number in this range.`,
    });
}

/** An IP address, without brackets. */
export const IpAddress = z.union([z.ipv4(), z.ipv6()], {
  error: 'is not an IP address. Use one such as 192.0.2.1 or 2001:db8::1.',
});

/** IP addresses and networks in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3), separated by commas. */
export const Networks = z.string().transform((text, context): readonly string[] => {
  const networks = text.split(',').map((network) => network.trim());
  const valid = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]);
  const wrong = networks.find((network) => !valid.safeParse(network).success);
  if (wrong === undefined) return networks;
  context.addIssue({
    code: 'custom',
    message: 'is not a list of IP addresses or networks. Write it like 192.0.2.1,10.0.0.0/8.',
  });
  return z.NEVER;
});

export const SipUri = z
  .string()
  .max(MAX_URI_LENGTH, `is longer than ${MAX_URI_LENGTH} characters. Write it like sip:127.0.0.1:5060.`)
  .regex(/^sips?:[^\s<>?"]+$/i, 'is not a SIP URI. Write it like sip:127.0.0.1:5060.');

/** A URL of one of these protocols, without a fragment: those have no meaning to a WebSocket (RFC 6455 §3). */
export const urlOf = (protocol: RegExp, example: string) => {
  const error = `is not the URL of an edge. Write it like ${example}.`;
  return z
    .url({ protocol, error, abort: true })
    .refine((text) => !text.includes('#'), { error, abort: true });
};

/** A key, a token or another secret that is sent in a header, which takes no more than this (RFC 9110 §11.6.2). */
export const Credential = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'contains a space or another character that no credential has. Copy it again.');

/** The value of a switch: `--switch` alone is `true`. */
export const Switch = z
  .enum(['true', 'yes', '1', 'false', 'no', '0'], { error: 'is neither yes nor no. Use one of them.' })
  .transform((text) => ['true', 'yes', '1'].includes(text));

export const Text = z.string().min(1, 'is empty. Write a value.');
