/**
 * `npm run docs`: updates the generated sections of the pages in docs/. A section lies between the markers
 * `<!-- generated: name -->` and `<!-- end -->`. To generate another page, add it to {@link PAGES}.
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { protocolSections } from './protocol-tables.ts';

/** Functions that return the Markdown of a section, by the name in its marker. */
export type SectionGenerators = Readonly<Record<string, () => string>>;

/** The sections of each page. */
export const PAGES: Readonly<Record<string, SectionGenerators>> = { 'protocol.md': protocolSections };

const docsDirectory = resolve(import.meta.dirname, '..');

/** Returns a page as it is on disk and with all sections regenerated. Throws if a marker or a generator is missing. */
export async function renderPage(
  page: string,
  generators: SectionGenerators,
): Promise<{ readonly current: string; readonly generated: string }> {
  const current = await readFile(resolve(docsDirectory, page), 'utf8');
  const found = new Set<string>();
  const generated = current.replace(
    /(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)/gs,
    (_, start: string, name: string, end: string) => {
      const generate = generators[name];
      if (!generate) throw new Error(`${page}: no generator for the section ${name}`);
      found.add(name);
      return `${start}\n${generate().trim()}\n\n${end}`;
    },
  );
  for (const name of Object.keys(generators))
    if (!found.has(name)) throw new Error(`${page}: the marker <!-- generated: ${name} --> is missing`);
  return { current, generated };
}

if (import.meta.main) {
  for (const [page, generators] of Object.entries(PAGES)) {
    const { current, generated } = await renderPage(page, generators);
    const isUpToDate = current === generated;
    if (!isUpToDate) await writeFile(resolve(docsDirectory, page), generated);
    process.stdout.write(`docs/${page}: ${isUpToDate ? 'up to date' : 'updated'}\n`);
  }
}
