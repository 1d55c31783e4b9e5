/**
 * The search of the reference pages, which the Worker renders: hides the entries that do not contain all words of the
 * query, and the groups that have no entry left. Without scripts, the pages show everything and no search field.
 * @module
 */

const field = document.querySelector<HTMLInputElement>('#search');
const statusLine = document.querySelector('#search-status');
const entries = [...document.querySelectorAll<HTMLElement>('[data-entry]')].map((element) => ({
  element,
  text: searchableText(element),
}));
const groups = [...document.querySelectorAll<HTMLElement>('[data-group]')];

if (field) {
  field.closest<HTMLElement>('[hidden]')?.removeAttribute('hidden');
  field.value = new URLSearchParams(location.search).get('q') ?? '';
  field.addEventListener('input', () => filter(field.value));
  document.addEventListener('keydown', (event) => {
    const isShortcut = event.key === '/' && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!isShortcut || document.activeElement === field) return;
    event.preventDefault();
    field.focus();
  });
  // A link may lead to an entry that the query hides.
  addEventListener('hashchange', () => {
    if (!document.querySelector('[data-entry][hidden]:target, [data-entry][hidden] :target')) return;
    field.value = '';
    filter('');
    document.querySelector(':target')?.scrollIntoView();
  });
  filter(field.value);
}

function filter(query: string): void {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  for (const { element, text } of entries) element.hidden = !words.every((word) => text.includes(word));
  for (const group of groups) group.hidden = group.querySelector('[data-entry]:not([hidden])') === null;
  if (!statusLine) return;
  const found = entries.filter(({ element }) => !element.hidden).length;
  statusLine.textContent =
    words.length === 0 ? '' : found === 0 ? 'No matches' : found === 1 ? '1 match' : `${found} matches`;
}

/** Returns the text of an entry in lower case, without its code blocks: each request sample contains the same words. */
function searchableText(entry: HTMLElement): string {
  const copy = entry.cloneNode(true) as HTMLElement;
  for (const block of copy.querySelectorAll('pre')) block.remove();
  return (copy.textContent ?? '').toLowerCase();
}

export {};
