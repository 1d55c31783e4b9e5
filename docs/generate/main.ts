/**
 * `npm run docs`: writes what is made from the code into the pages of this folder, between the marks
 * `<!-- made: name -->` and `<!-- end -->`. Whoever adds a page adds a line to {@link PAGES}.
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { protocol } from './reference.ts';

/** What is made, by the name of its mark. */
export type Parts = Readonly<Record<string, () => string>>;

/** Each page with its parts. */
export const PAGES: Readonly<Record<string, Parts>> = { 'protocol.md': protocol };

const folder = resolve(import.meta.dirname, '..');

/** A page as it stands, and as it would be made now. Throws where a mark or a part is missing. */
export async function made(
  page: string,
  parts: Parts,
): Promise<{ readonly is: string; readonly be: string }> {
  const is = await readFile(resolve(folder, page), 'utf8');
  const found = new Set<string>();
  const be = is.replace(
    /(<!-- made: ([\w-]+) -->\n).*?(<!-- end -->)/gs,
    (_, start: string, name: string, end: string) => {
      const part = parts[name];
      if (!part) throw new Error(`${page}: nothing makes ${name}`);
      found.add(name);
      return `${start}\n${part().trim()}\n\n${end}`;
    },
  );
  for (const name of Object.keys(parts))
    if (!found.has(name)) throw new Error(`${page}: there is no mark <!-- made: ${name} -->`);
  return { is, be };
}

if (import.meta.main) {
  for (const [page, parts] of Object.entries(PAGES)) {
    const { is, be } = await made(page, parts);
    if (is !== be) await writeFile(resolve(folder, page), be);
    process.stdout.write(`docs/${page}: ${is === be ? 'as it should be' : 'written anew'}\n`);
  }
}
