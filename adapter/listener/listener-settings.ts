/** The settings of an adapter that listens for its edge. @module */
import { createSecureContext } from 'node:tls';
import * as z from 'zod';
import { reasonOf } from '../../shared/settings/error-reason.ts';
import { quote } from '../../shared/settings/quote.ts';
import type { Definitions } from '../../shared/settings/settings.ts';
import { type Address, hostPort, Text } from '../../shared/settings/value-types.ts';
import { readCertificates } from '../network/certificates.ts';
import { type AdapterKey, parseAdapterKey } from './adapter-key.ts';

/** How the adapter listens for its edge. */
export interface ListenSettings {
  readonly address: Address;
  /** What the edge dials: https, or http on this machine. */
  readonly publicUrl: string;
  readonly key: AdapterKey;
  /** The listener's own TLS; undefined behind a proxy that ends TLS. */
  readonly tls: TlsSettings | undefined;
  /** Reads the files of `tls` again. */
  readonly readTls: () => TlsReading;
}

/** What the files have, or what is wrong with them. */
export type TlsReading = { readonly tls: TlsSettings | undefined } | { readonly errors: readonly string[] };

export interface TlsSettings {
  /** The certificate, with those between it and its authority. In PEM, as the others. */
  readonly cert: string;
  readonly key: string;
  /** Clients need a certificate of one of these authorities; undefined: they need none. */
  readonly clientCa: readonly string[] | undefined;
}

/** Returns whether a host is this machine. IPv6 may stand in brackets, as in a URL. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127\..*|::1|\[::1\])$/.test(host);
}

const PublicUrl = z.string().transform((text, context): string => {
  const fail = (message: string): never => {
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  };
  const example = 'https://sbc1.example.com/adapter';
  const url = URL.canParse(text) ? new URL(text.replace(/^ws/i, 'http')) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    return fail(`is not a URL that an edge can dial. Write it like ${example}.`);
  if (url.username !== '' || url.password !== '' || text.includes('#'))
    return fail(`has a user, a password or a fragment. Remove it: write the URL like ${example}.`);
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    return fail(`has no TLS. An edge on another machine dials https:// only. Write it like ${example}.`);
  return url.href;
});

/** The flags. They are in the help of the adapter. */
export const LISTENER_SETTINGS = {
  listen: {
    value: 'host:port',
    env: 'ADAPTER_LISTEN',
    defaultHelp: 'the adapter connects to the edge',
    help: 'Local TCP address at which the edge connects to the adapter, for a site whose link is dialed. --edge still names the edge: it has the keys that the edge signs with',
    type: hostPort(),
  },
  'public-url': {
    value: 'url',
    env: 'ADAPTER_PUBLIC_URL',
    help: 'With --listen: the https:// URL at which the edge reaches the adapter, exactly as in the link of the site',
    type: PublicUrl,
  },
  'tls-cert': {
    value: 'file',
    env: 'ADAPTER_TLS_CERT',
    defaultHelp: 'none: a proxy in front ends TLS',
    help: 'With --listen: PEM file with the certificate of the host in --public-url, and those between it and its authority',
    type: Text,
  },
  'tls-key': {
    value: 'file',
    env: 'ADAPTER_TLS_KEY',
    help: 'PEM file with the private key of --tls-cert',
    type: Text,
  },
  'client-ca': {
    value: 'file',
    env: 'ADAPTER_CLIENT_CA',
    help: 'With --tls-cert: PEM file with the authorities of which a client must show a certificate (mTLS)',
    type: Text,
  },
} as const satisfies Definitions;

const TLS_FLAGS = ['tls-cert', 'tls-key', 'client-ca'] as const;

type ListenerFlag = keyof typeof LISTENER_SETTINGS;

/** The values of the flags. */
export interface ListenerValues {
  readonly listen: Address | undefined;
  readonly 'public-url': string | undefined;
  readonly 'tls-cert': string | undefined;
  readonly 'tls-key': string | undefined;
  readonly 'client-ca': string | undefined;
  readonly key: string | undefined;
  readonly edge: string;
}

/**
 * Checks the flags together, and reads the files. `listen` is undefined for an adapter that connects to the edge itself.
 * @param nameOf what the user wrote a setting as
 * @param readFile may throw
 */
export function readListener(
  values: ListenerValues,
  nameOf: (flag: ListenerFlag | 'key' | 'edge') => string,
  readFile: (path: string) => string,
): { readonly listen: ListenSettings | undefined } | { readonly errors: readonly string[] } {
  const { listen: address, 'public-url': publicUrl } = values;
  if (address === undefined) {
    const useless = (['public-url', ...TLS_FLAGS] as const).filter((flag) => values[flag] !== undefined);
    return useless.length > 0
      ? {
          errors: useless.map((flag) => `${nameOf(flag)}: has no effect without --listen. Set --listen too.`),
        }
      : { listen: undefined };
  }
  const key = values.key === undefined ? undefined : parseAdapterKey(values.key);
  const readFiles = () => readTls(values, nameOf, readFile);
  const tls = readFiles();
  const errors = [
    ...(publicUrl === undefined
      ? [`${nameOf('listen')}: needs --public-url. Set it to the URL in the link of the site.`]
      : []),
    ...(values.key === undefined
      ? [`${nameOf('listen')}: needs --key (ADAPTER_KEY). The adapter proves with it who it is.`]
      : []),
    ...(values.key !== undefined && key === undefined
      ? [`${nameOf('key')}: the value is not an adapter key. Create one: key create TENANT --role adapter.`]
      : []),
    ...(isTrustworthy(values.edge)
      ? []
      : [
          `${nameOf('edge')}: needs wss:// with --listen. The keys of the edge are read there, and without TLS others can replace them on the way.`,
        ]),
    ...('errors' in tls ? tls.errors : []),
  ];
  if (publicUrl === undefined || key === undefined || 'errors' in tls || errors.length > 0) return { errors };
  return { listen: { address, publicUrl, key, tls: tls.tls, readTls: readFiles } };
}

/** Nobody between here and the edge can change what is read from there. */
function isTrustworthy(edge: string): boolean {
  const { protocol, hostname } = new URL(edge);
  return protocol === 'wss:' || isLoopback(hostname);
}

function readTls(
  values: ListenerValues,
  nameOf: (flag: ListenerFlag) => string,
  readFile: (path: string) => string,
): TlsReading {
  const { 'tls-cert': certPath, 'tls-key': keyPath, 'client-ca': caPath } = values;
  if (certPath === undefined || keyPath === undefined) {
    const given = TLS_FLAGS.find((flag) => values[flag] !== undefined);
    return given === undefined
      ? { tls: undefined }
      : { errors: [`${nameOf(given)}: needs --tls-cert and --tls-key. Set both, or leave TLS to a proxy.`] };
  }
  const errors: string[] = [];
  const read = (flag: ListenerFlag, path: string): string => {
    try {
      return readFile(path);
    } catch (error) {
      errors.push(
        `${nameOf(flag)}: cannot read the file ${quote(path)}: ${reasonOf(error)}. Check the path.`,
      );
      return '';
    }
  };
  const [cert, key] = [read('tls-cert', certPath), read('tls-key', keyPath)];
  const clientCa = caPath === undefined ? undefined : readCertificates(caPath, readFile);
  if (clientCa && 'error' in clientCa) errors.push(`${nameOf('client-ca')}: ${clientCa.error}`);
  else if (errors.length === 0 && !belongTogether(cert, key)) {
    const files = `the files ${quote(certPath)} and ${quote(keyPath)}`;
    errors.push(
      `${nameOf('tls-cert')}: ${files} are not a certificate and its private key. Use PEM files that belong together, the key without a password.`,
    );
  }
  if (errors.length > 0 || (clientCa && 'error' in clientCa)) return { errors };
  return { tls: { cert, key, clientCa } };
}

function belongTogether(cert: string, key: string): boolean {
  try {
    createSecureContext({ cert, key });
    return cert.includes('BEGIN CERTIFICATE') && key.includes('PRIVATE KEY');
  } catch {
    return false;
  }
}
