/** What the reference pages have in common: their frame, and how prose, types and parameters are rendered. @module */
import { html, raw } from 'hono/html';
import type { JsonSchema } from '../../shared/reference/json-schema.ts';
import { STYLE } from './page-style.ts';

/** Is never a promise here, because no part of it is one. */
export type Html = ReturnType<typeof html>;

/** A parameter or a member of an object. */
export interface Field {
  readonly name: string;
  readonly description?: string | undefined;
  readonly required?: boolean | undefined;
  readonly schema: JsonSchema;
  readonly 'x-added'?: unknown;
}

export interface PageContent {
  readonly title: string;
  readonly introduction: Html;
  /** Ids and names of the sections, for the table of contents. */
  readonly sections: readonly (readonly [id: string, name: string])[];
  readonly searchLabel: string;
  readonly main: Html;
}

/** Returns the HTML of a page. The script of the search is its only script; the search is hidden without it. */
export function renderPage({ title, introduction, sections, searchLabel, main }: PageContent): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<style>${raw(STYLE)}</style>
<script type="module" src="/docs/search.js"></script>
</head>
<body>
<header>
<h1>${title}</h1>
${introduction}
<nav aria-label="Contents"><ul>${sections.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
</header>
<search hidden>
<input id="search" type="search" placeholder="${searchLabel}" aria-label="${searchLabel}" aria-keyshortcuts="/" autocomplete="off" spellcheck="false">
<span id="search-status" role="status"></span>
</search>
<main>
${main}
</main>
</body>
</html>
`;
  return String(page);
}

export const ADDED = html` <span class="badge">added</span>`;
const REQUIRED = html` <span class="badge">required</span>`;

/** Renders a sentence with code between backticks. */
export function renderProse(text: string): Html[] {
  return text
    .split('`')
    .map((piece, index) => (index % 2 === 1 ? html`<code>${piece}</code>` : html`${piece}`));
}

export function renderFields(fields: readonly Field[]): Html {
  return html`<dl>${fields.map(renderField)}</dl>`;
}

function renderField({ name, description = '', required, schema, ...more }: Field): Html {
  return html`<dt><code>${name}</code>${required ? REQUIRED : ''}${more['x-added'] ? ADDED : ''}</dt>
<dd>${renderProse(description)} <code>${renderType(schema)}</code></dd>`;
}

/** Returns the members of an object as fields, the required ones first. */
export function membersOf({ properties = {}, required = [] }: JsonSchema): Field[] {
  const fields = Object.entries(properties).map(([name, property]) => {
    const schema = property as JsonSchema;
    return {
      name,
      description: schema.description,
      required: required.includes(name),
      schema,
      'x-added': schema['x-added'],
    };
  });
  return fields.sort((a, b) => Number(b.required) - Number(a.required));
}

/** Describes a type in a word or two, such as `string` or `Call[]`, with links to named schemas. */
export function renderType(schema: JsonSchema): Html {
  const { $ref, type, enum: values, anyOf, oneOf, allOf, items } = schema;
  if ($ref) {
    const name = schemaName($ref);
    return html`<a href="/docs#schema-${name}">${name}</a>`;
  }
  if (values) return html`${values.map((value) => JSON.stringify(value)).join(' | ')}`;
  if (schema.const !== undefined) return html`${JSON.stringify(schema.const)}`;
  const choices = anyOf ?? oneOf ?? allOf;
  if (choices)
    return html`${choices.map((choice, index) => [index > 0 ? ' | ' : '', renderType(choice as JsonSchema)])}`;
  if (type === 'array') return html`${renderType((items ?? {}) as JsonSchema)}[]`;
  return html`${type ?? 'anything'}`;
}

/** Returns the name of the schema that a `$ref` refers to. */
export function schemaName(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1);
}
