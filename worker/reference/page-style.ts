/** The CSS of the reference page: one column that fits a phone, light or dark as the reader prefers. @module */

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
  scroll-padding-top: 1rem;
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 56rem; padding: 1.5rem 1rem 4rem; background: var(--page); color: var(--text); }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.2; }
h2 { margin: 3rem 0 0.75rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: 1.375rem; }
h3 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; }
p { margin: 0.5rem 0; }
a { color: var(--accent); }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; margin: 1rem 0; padding: 0; list-style: none; }
nav a { display: inline-block; padding: 0.25rem 0; }
code { font: 0.875em ui-monospace, monospace; overflow-wrap: anywhere; }
.entry { margin: 0.75rem 0; padding: 1rem; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
.entry > p { color: var(--soft); }
.added, .required { padding: 0.0625rem 0.5rem; border-radius: 999px; background: var(--wash); color: var(--accent); font-size: 0.75rem; }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: 0.375rem 1rem; margin: 0.75rem 0 0; }
dl + h3 { margin-top: 1.5rem; }
dt { overflow-wrap: anywhere; }
dd { margin: 0; min-width: 0; color: var(--soft); }
h4 { margin: 1rem 0 0; font-size: 0.875rem; }
summary { margin-top: 0.75rem; color: var(--accent); cursor: pointer; }
pre { margin: 0.5rem 0 0; padding: 0.75rem; border-radius: 8px; background: var(--page); overflow-x: auto; font: 0.8125rem/1.5 ui-monospace, monospace; }
.method { color: var(--accent); }
@media (width < 34rem) {
  dl { grid-template-columns: 1fr; gap: 0; }
  dt { margin-top: 0.5rem; }
}
`;
