/** Renders the reference page at `/docs` from the documents. The page loads nothing. @module */
import { html, raw } from 'hono/html';
import { PROBLEM_TYPES } from '../../shared/protocol/http/problem.ts';
import { commandEvents, ERROR_EVENT } from '../../shared/protocol/rpc/command-events.ts';
import { isCommandMethod } from '../../shared/protocol/rpc/commands.ts';
import type { CodeDescription } from '../../shared/protocol/rpc/error-codes.ts';
import { closeCodes, commandErrors, requestErrors } from '../../shared/protocol/rpc/error-codes.ts';
import { siteNotifications } from '../../shared/protocol/rpc/site-notifications.ts';
import type { JsonSchema } from '../../shared/reference/json-schema.ts';
import type { ContentDescriptor, OpenRpc, OpenRpcMethod } from '../../shared/reference/openrpc.ts';
import type { OpenApi, OpenApiOperation } from './openapi.ts';
import { STYLE } from './page-style.ts';

/** Returns the HTML of the page. */
export function renderReferencePage(openRpc: OpenRpc, openApi: OpenApi): string {
  const { title, version, description } = openRpc.info;
  const { schemas } = openApi.components;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}: reference</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<style>${raw(STYLE)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p>Version ${version}. ${renderProse(description.replace('`x-added` marks', '“added” marks'))}</p>
<p>Machine-readable: <a href="/openapi.json">OpenAPI</a>, <a href="/openrpc.json">OpenRPC</a>
(also <code>rpc.discover</code>), <a href="/asyncapi.json">AsyncAPI</a>.</p>
<nav aria-label="Contents"><ul>${SECTIONS.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
</header>
<main>
${renderHeading('methods')}
${openRpc.methods.map(renderMethod)}
${renderHeading('notifications')}
${Object.entries(siteNotifications).map(
  ([name, schema]) =>
    html`<section class="entry"><h3><code>${name}</code></h3><p>${schema.meta()?.description ?? ''}</p></section>`,
)}
${renderHeading('http')}
${Object.entries(openApi.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => renderRoute(method, path, operation)),
)}
${renderHeading('errors')}
<p>Errors of a request, in its response. Over HTTP, the <code>type</code> of a problem links here.</p>
${renderCodes(Object.values(requestErrors))}
<h3>Errors of a command, in its <code>Error</code> event</h3>
${renderCodes(Object.values(commandErrors))}
<h3>Close codes of a socket</h3>
${renderCodes(Object.values(closeCodes))}
${renderHeading('shapes')}
${Object.entries(schemas).map(([name, schema]) => renderSchema(name, schema))}
</main>
</body>
</html>
`;
  return String(page);
}

/** Is never a promise here, because no part of it is one. */
type Html = ReturnType<typeof html>;

const SECTIONS = [
  ['methods', 'Methods'],
  ['notifications', 'Other notifications'],
  ['http', 'HTTP'],
  ['errors', 'Errors'],
  ['shapes', 'Schemas'],
] as const;

function renderHeading(section: (typeof SECTIONS)[number][0]): Html {
  const [id, name] = SECTIONS.find(([sectionId]) => sectionId === section) ?? ['', ''];
  return html`<h2 id="${id}">${name}</h2>`;
}

const ADDED = html` <span class="added">added</span>`;

/** Renders a sentence with code between backticks. */
function renderProse(text: string): Html[] {
  return text
    .split('`')
    .map((piece, index) => (index % 2 === 1 ? html`<code>${piece}</code>` : html`${piece}`));
}

function renderMethod({ name, summary, params, errors, ...more }: OpenRpcMethod): Html {
  return html`<section class="entry" id="${name}">
<h3><code>${name}</code>${more['x-added'] ? ADDED : ''}</h3>
<p>${renderProse(summary)}</p>
${params.length > 0 ? html`<dl>${params.map(renderParam)}</dl>` : ''}
${isCommandMethod(name) ? html`<h4>Events</h4><dl>${renderEvents(name)}</dl>` : ''}
<h4>Errors</h4><p>${errors.map(({ $ref }, index) => [index > 0 ? ', ' : '', renderErrorLink($ref)])}</p>
</section>`;
}

function renderParam({ name, description = '', required, schema, ...more }: ContentDescriptor): Html {
  return html`<dt><code>${name}</code>${required ? html` <span class="required">required</span>` : ''}${more['x-added'] ? ADDED : ''}</dt>
<dd>${renderProse(description)} <code>${renderType(schema)}</code></dd>`;
}

function renderEvents(name: keyof typeof commandEvents): Html[] {
  const error = name === 'Echo' ? [] : [['Error', ERROR_EVENT] as const];
  return [...Object.entries(commandEvents[name]), ...error].map(
    ([event, { description, isAdded }]) =>
      html`<dt><code>${event}</code>${isAdded ? ADDED : ''}</dt><dd>${renderProse(description)}</dd>`,
  );
}

function renderErrorLink(ref: string): Html {
  const name = ref.slice(ref.lastIndexOf('/') + 1) as keyof typeof requestErrors;
  const { code } = requestErrors[name];
  return html`<a href="#${idOf(code)}">${code}</a>`;
}

function renderCodes(descriptions: readonly CodeDescription[]): Html {
  return html`<dl>${descriptions.map(({ code, description }) => html`<dt id="${idOf(code)}"><code>${code}</code></dt><dd>${renderProse(description)}</dd>`)}</dl>`;
}

/** Returns the end of the `type` of a problem; the code for errors that HTTP does not report. */
function idOf(code: number): string {
  return PROBLEM_TYPES[code]?.type ?? `code${code}`;
}

function renderRoute(
  method: string,
  path: string,
  { summary, parameters, requestBody, responses }: OpenApiOperation,
): Html {
  const body = requestBody?.content['application/json']?.schema;
  return html`<section class="entry">
<h3><code><span class="method">${method.toUpperCase()}</span> ${path}</code></h3>
<p>${renderProse(summary)}</p>
${
  parameters.length > 0
    ? html`<dl>${parameters.map(({ name, in: location, description = '', required, schema }) =>
        renderParam({
          name,
          description: `${description === '' ? '' : `${description}; `}in the ${location}`,
          required,
          schema,
        }),
      )}</dl>`
    : ''
}
${body ? html`<p>Body: <code>${renderType(body)}</code></p>` : ''}
<dl>${Object.entries(responses).map(
    ([status, { description, content = {} }]) =>
      html`<dt><code>${status}</code></dt><dd>${renderProse(description)} ${Object.entries(content).map(([type, { schema }]) => html`<code>${schema ? renderType(schema) : type}</code> `)}</dd>`,
  )}</dl>
</section>`;
}

function renderSchema(name: string, schema: JsonSchema): Html {
  return html`<section class="entry" id="shape-${name}"><h3><code>${name}</code></h3>
${schema.description ? html`<p>${renderProse(schema.description)}</p>` : ''}
<details><summary>JSON Schema</summary><pre>${JSON.stringify(schema, null, 2)}</pre></details></section>`;
}

/** Describes a type in a word or two, such as `string` or `Call[]`, with links to named schemas. */
function renderType(schema: JsonSchema): Html {
  const { $ref, type, enum: values, anyOf, oneOf, allOf, items } = schema;
  if ($ref) {
    const name = $ref.slice($ref.lastIndexOf('/') + 1);
    return html`<a href="#shape-${name}">${name}</a>`;
  }
  if (values) return html`${values.map((value) => JSON.stringify(value)).join(' | ')}`;
  const choices = anyOf ?? oneOf ?? allOf;
  if (choices)
    return html`${choices.map((choice, index) => [index > 0 ? ' | ' : '', renderType(choice as JsonSchema)])}`;
  if (type === 'array') return html`${renderType((items ?? {}) as JsonSchema)}[]`;
  return html`${type ?? 'anything'}`;
}
