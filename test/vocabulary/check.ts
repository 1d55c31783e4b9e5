/** Finds declared names that are not the field's terms. Pure. @module */
import type { DeclaredName } from './declared-names.ts';
import { files, functionNames, given, names, words } from './terms.ts';

/** Returns a sentence for each name that uses a word of `terms.ts`. */
export function foreignNames(declared: readonly DeclaredName[]): string[] {
  return declared.flatMap(({ name, kind, place }) => {
    if (kind === 'file') {
      const wrong = files.find(
        (path) => name === path || name.startsWith(`${path}/`) || name.endsWith(`/${path}`),
      );
      return wrong === undefined ? [] : [`${place}: rename this file (see test/vocabulary/terms.ts)`];
    }
    if (given.includes(name)) return [];
    const word = wordsIn(name).find((each) => Object.hasOwn(words, each));
    const term =
      lookUp(names, name) ??
      (kind === 'function' ? lookUp(functionNames, name) : undefined) ??
      (word && words[word]);
    return term ? [`${place}: ${kind} ${name}: use the term of the field: ${term}`] : [];
  });
}

function lookUp(terms: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(terms, name) ? terms[name] : undefined;
}

/** The words of a name in camel case, snake case or capitals. */
function wordsIn(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z]+/);
}
