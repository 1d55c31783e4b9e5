/** The CSS of the reference pages: columns that fit a phone, light or dark as the reader prefers. @module */

export const STYLE = `
:root {
  color-scheme: light dark;
  --page: light-dark(#fcfcfa, #121514);
  --card: light-dark(#ffffff, #1a1e1d);
  --line: light-dark(#dfe3dc, #2c3331);
  --text: light-dark(#19211f, #e8edea);
  --soft: light-dark(#55615c, #a3afaa);
  --accent: light-dark(#0f766e, #5ec9bb);
  --wash: light-dark(#e6f2ef, #16302c);
  font: 400 16px/1.55 system-ui, sans-serif;
  scroll-padding-top: 5rem;
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0 auto; max-width: 68rem; padding: 1.5rem 1rem 4rem; background: var(--page); color: var(--text); }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.2; }
h2 { margin: 2.5rem 0 0.75rem; font-size: 1.375rem; }
h3 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; }
h3 code { font-size: 1rem; font-weight: 600; }
h4 { margin: 1rem 0 0; font-size: 0.875rem; }
p { margin: 0.5rem 0; max-width: 46rem; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; margin: 1rem 0 0; padding: 0; list-style: none; }
nav a { display: inline-block; padding: 0.25rem 0; }
search { position: sticky; top: 0; z-index: 1; display: flex; align-items: center; gap: 1rem; padding: 0.75rem 0; background: var(--page); }
#search { flex: 1; max-width: 28rem; min-width: 0; padding: 0.5rem 0.75rem; border: 1px solid var(--soft); border-radius: 8px; background: var(--card); color: inherit; font: inherit; }
#search-status { color: var(--soft); font-size: 0.875rem; }
code { font: 0.875em ui-monospace, monospace; overflow-wrap: anywhere; }
.entry { margin: 0.75rem 0; padding: 1rem; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
.entry:target { border-color: var(--accent); }
.entry p { color: var(--soft); }
.badge { padding: 0.0625rem 0.5rem; border-radius: 999px; background: var(--wash); color: var(--accent); font-size: 0.75rem; }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: 0.375rem 1rem; margin: 0.5rem 0 0; }
dl > div { display: grid; grid-template-columns: subgrid; grid-column: 1 / -1; }
dl.list + h3, [data-group] + [data-group] > h3 { margin-top: 1.5rem; }
dt { overflow-wrap: anywhere; }
dd { margin: 0; min-width: 0; color: var(--soft); }
dt:target, dt:target + dd { background: var(--wash); }
details { margin-top: 0.75rem; }
summary { color: var(--accent); cursor: pointer; }
pre { margin: 0.5rem 0 0; padding: 0.75rem; border-radius: 8px; background: var(--page); overflow-x: auto; font: 0.8125rem/1.5 ui-monospace, monospace; }
pre code { font: inherit; overflow-wrap: normal; }
.method { color: var(--accent); }
.anchor { color: inherit; text-decoration: none; }
.anchor:hover { text-decoration: underline; }
.operation { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 0 1.5rem; align-items: start; }
.operation dl { grid-template-columns: minmax(5rem, max-content) 1fr; }
.samples { position: sticky; top: 4.5rem; }
.samples details { margin: 0 0 0.5rem; }
@media (width < 54rem) {
  .operation { grid-template-columns: minmax(0, 1fr); }
  .samples { position: static; margin-top: 1rem; }
}
@media (width < 34rem) {
  dl, .operation dl { grid-template-columns: minmax(0, 1fr); gap: 0; }
  dt { margin-top: 0.5rem; }
}
`;
