/** The certificate authorities that are trusted beside those of Node.js: `--ca`. @module */
import { X509Certificate } from 'node:crypto';
import * as tls from 'node:tls';
import { reasonOf } from '../../shared/settings/error-reason.ts';
import { quote } from '../../shared/settings/quote.ts';
import type { Environment } from './proxy.ts';

/** RFC 7468 §5.1. */
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** What completes the sentence `--ca: …` if the file cannot be used. */
interface CertificateError {
  readonly error: string;
}

/**
 * Returns a context that trusts the certificates in a PEM file, and all that are trusted anyway.
 * @param readFile may throw
 */
export function readTrustedCertificates(
  path: string,
  readFile: (path: string) => string,
  env: Environment,
): { readonly secureContext: tls.SecureContext } | CertificateError {
  const certificates = readCertificates(path, readFile);
  if ('error' in certificates) return certificates;
  return {
    secureContext: tls.createSecureContext({ ca: [...trustedAnyway(readFile, env), ...certificates] }),
  };
}

/** `ca` replaces what Node.js trusts. Before Node 22.15 it cannot be asked for that. */
function trustedAnyway(readFile: (path: string) => string, env: Environment): readonly string[] {
  const { getCACertificates } = tls as Partial<typeof tls>;
  if (getCACertificates) return getCACertificates('default');
  const extra = env['NODE_EXTRA_CA_CERTS'];
  const certificates = extra ? readCertificates(extra, readFile) : [];
  return [...tls.rootCertificates, ...('error' in certificates ? [] : certificates)];
}

/**
 * Returns the certificates in a PEM file.
 * @param readFile may throw
 */
export function readCertificates(
  path: string,
  readFile: (path: string) => string,
): readonly string[] | CertificateError {
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    return { error: `cannot read the file ${quote(path)}: ${reasonOf(error)}. Check the path.` };
  }
  const certificates = text.match(PEM_CERTIFICATE) ?? [];
  if (certificates.length === 0)
    return {
      error: `the file ${quote(path)} has no certificate in PEM format. Use a file that begins with -----BEGIN CERTIFICATE-----.`,
    };
  const damaged = certificates.findIndex((certificate) => !isCertificate(certificate));
  return damaged < 0
    ? certificates
    : { error: `certificate ${damaged + 1} in the file ${quote(path)} is damaged. Export it again.` };
}

function isCertificate(text: string): boolean {
  try {
    new X509Certificate(text);
    return true;
  } catch {
    return false;
  }
}
