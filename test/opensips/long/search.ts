/** Searches files for session descriptions, which must leave neither the phones nor the adapter's memory. @module */
import { globSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Report } from './report.ts';

/** Lines of a session description (RFC 8866), wherever they stand. */
const SDP_LINE =
  /m=audio \d+|c=IN IP[46] [\da-f.:]{3,}|a=(?:sendrecv|sendonly|recvonly|inactive)|o=\S{1,60} \d+ \d+ IN IP/g;
/** The programs in the edge's data folder. They contain code that handles SDP, and no data. */
const PROGRAMS = new Set(['worker.js', 'assets.js', 'workerd.capnp']);

export class SearchResult {
  #files = 0;
  #bytes = 0;
  #filesWithCallIds = 0;
  readonly #found: string[] = [];

  /**
   * Searches the edge's data folders and all logs in the folder for temporary files. `callids` were used in calls: that they are
   * found shows that the right files are searched.
   */
  run(callids: readonly string[]): void {
    for (const path of globSync(['call-api-*/**/*', '*.log'], { cwd: tmpdir() })) {
      const absolute = join(tmpdir(), path);
      if (!statSync(absolute).isFile() || PROGRAMS.has(basename(path))) continue;
      // Without zero bytes, UTF-16 reads like ASCII.
      const text = readFileSync(absolute, 'latin1').replaceAll('\0', '');
      this.#files += 1;
      this.#bytes += text.length;
      if (callids.some((callid) => text.includes(callid))) this.#filesWithCallIds += 1;
      for (const [line] of text.matchAll(SDP_LINE)) this.#found.push(`${path}: ${line}`);
    }
  }

  addTo(report: Report): void {
    const size = `${this.#files} files, ${(this.#bytes / 1e6).toFixed(1)} MB`;
    report.check('searched', this.#files > 0, size);
    report.check('files with a Call-ID', this.#filesWithCallIds > 0, `${this.#filesWithCallIds}`);
    report.check('SDP lines', this.#found.length === 0, `${this.#found.length}`);
    for (const line of this.#found.slice(0, 5)) report.check('found', false, line);
  }
}
