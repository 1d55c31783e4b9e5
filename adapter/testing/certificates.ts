/** Certificates of a private authority for tests, made with openssl. @module */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const HAS_OPENSSL = spawnSync('openssl', ['version']).error === undefined;

export interface Identity {
  readonly key: string;
  readonly cert: string;
}

/** A private authority. Its certificates are valid for a day, unless they have expired. */
export class CertificateAuthority {
  readonly #folder = mkdtempSync(join(tmpdir(), 'call-api-ca-'));
  #count = 0;
  /** The certificate of the authority, in PEM. */
  readonly certificate: string;

  constructor() {
    const [key, cert] = [this.#path('ca.key'), this.caPath];
    run(
      'req',
      '-x509',
      ...newKey(key),
      '-subj',
      '/O=Private Company/CN=Private CA',
      '-days',
      '1',
      '-out',
      cert,
    );
    this.certificate = readFileSync(cert, 'utf8');
  }

  /** The file of the authority's certificate. */
  get caPath(): string {
    return this.#path('ca.pem');
  }

  /** @param altName such as `DNS:edge.example` or `IP:127.0.0.1` */
  issue(altName: string, days = 1): Identity {
    this.#count += 1;
    const [key, request, cert, extensions] = ['key', 'csr', 'pem', 'ext'].map((suffix) =>
      this.#path(`${this.#count}.${suffix}`),
    ) as [string, string, string, string];
    run('req', '-new', ...newKey(key), '-subj', '/CN=edge', '-out', request);
    writeFileSync(extensions, `subjectAltName=${altName}\n`);
    const authority = ['-CA', this.caPath, '-CAkey', this.#path('ca.key'), '-CAcreateserial'];
    run(
      'x509',
      '-req',
      '-in',
      request,
      ...authority,
      '-days',
      String(days),
      '-extfile',
      extensions,
      '-out',
      cert,
    );
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

function newKey(path: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', path];
}

function run(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore' });
}
