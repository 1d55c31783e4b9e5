/** Renders the reference page at `/docs`: methods, events, errors and schemas. @module */
import { html } from 'hono/html';
import type * as z from 'zod';
import { PROBLEM_TYPES } from '../../shared/protocol/http/problem.ts';
import { commandEvents, ERROR_EVENT } from '../../shared/protocol/rpc/command-events.ts';
import { isCommandMethod } from '../../shared/protocol/rpc/commands.ts';
import type { CodeDescription } from '../../shared/protocol/rpc/error-codes.ts';
import { closeCodes, commandErrors, requestErrors } from '../../shared/protocol/rpc/error-codes.ts';
import { siteNotifications } from '../../shared/protocol/rpc/site-notifications.ts';
import type { JsonSchema } from '../../shared/reference/json-schema.ts';
import type { OpenRpc, OpenRpcMethod } from '../../shared/reference/openrpc.ts';
import type { OpenApi } from './openapi.ts';
import { ADDED, type Html, renderFields, renderPage, renderProse, schemaName } from './render.ts';

/** Returns the HTML of the page. */
export function renderReferencePage(openRpc: OpenRpc, openApi: OpenApi): string {
  const { title, version, description } = openRpc.info;
  const introduction = html`<p>Version ${version}. ${renderProse(description.replace('`x-added` marks', '“added” marks'))}</p>
<p>The HTTP API has <a href="/docs/http">a page of its own, with request samples</a>.
Machine-readable documents: <a href="/openrpc.json">OpenRPC</a> (also <code>rpc.discover</code>),
<a href="/asyncapi.json">AsyncAPI</a>, <a href="/openapi.json">OpenAPI</a>.</p>`;
  const main = html`${renderSection('methods', openRpc.methods.map(renderMethod))}
${renderSection('notifications', Object.entries(siteNotifications).map(renderNotification))}
${renderSection('http', renderRoutes(openApi))}
${renderSection('errors', renderErrors())}
${renderSection(
  'schemas',
  Object.entries(openApi.components.schemas).map(([name, schema]) => renderSchema(name, schema)),
)}`;
  return renderPage({
    title: `${title}: reference`,
    introduction,
    sections: Object.entries(SECTIONS),
    searchLabel: 'Search methods, events, routes and errors',
    main,
  });
}

const SECTIONS = {
  methods: 'Methods',
  notifications: 'Other notifications',
  http: 'HTTP routes',
  errors: 'Errors',
  schemas: 'Schemas',
} as const;

function renderSection(id: keyof typeof SECTIONS, content: Html | readonly Html[]): Html {
  return html`<section data-group><h2 id="${id}">${SECTIONS[id]}</h2>${content}</section>`;
}

function renderMethod({ name, summary, params, errors, ...more }: OpenRpcMethod): Html {
  return html`<section class="entry" id="${name}" data-entry>
<h3><code>${name}</code>${more['x-added'] ? ADDED : ''}</h3>
<p>${renderProse(summary)}</p>
${params.length > 0 ? renderFields(params) : ''}
${isCommandMethod(name) ? html`<h4>Events</h4><dl>${renderEvents(name)}</dl>` : ''}
<h4>Errors</h4><p>${errors.map(({ $ref }, index) => [index > 0 ? ', ' : '', renderErrorLink($ref)])}</p>
</section>`;
}

function renderEvents(name: keyof typeof commandEvents): Html[] {
  const error = name === 'Echo' ? [] : [['Error', ERROR_EVENT] as const];
  return [...Object.entries(commandEvents[name]), ...error].map(
    ([event, { description, isAdded }]) =>
      html`<dt><code>${event}</code>${isAdded ? ADDED : ''}</dt><dd>${renderProse(description)}</dd>`,
  );
}

function renderErrorLink(reference: string): Html {
  const { code } = requestErrors[schemaName(reference) as keyof typeof requestErrors];
  return html`<a href="#${errorId(code)}">${code}</a>`;
}

function renderNotification([name, schema]: readonly [string, z.ZodType]): Html {
  return html`<section class="entry" data-entry><h3><code>${name}</code></h3><p>${renderProse(schema.meta()?.description ?? '')}</p></section>`;
}

function renderRoutes({ paths }: OpenApi): Html {
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, { operationId, summary }]) => html`<div data-entry>
<dt><a href="/docs/http#${operationId}"><code><span class="method">${method.toUpperCase()}</span> ${path}</code></a></dt>
<dd>${renderProse(summary)}</dd></div>`,
    ),
  );
  return html`<p><a href="/docs/http">Parameters, responses and request samples</a></p><dl class="list">${routes}</dl>`;
}

function renderErrors(): Html {
  return html`<div data-group><h3>Errors of a request, in its response</h3>
<p>Over HTTP, the <code>type</code> of a problem links here.</p>
${renderCodes(Object.values(requestErrors))}</div>
<div data-group><h3>Errors of a command, in its <code>Error</code> event</h3>
${renderCodes(Object.values(commandErrors))}</div>
<div data-group><h3>Close codes of a socket</h3>
${renderCodes(Object.values(closeCodes))}</div>`;
}

function renderCodes(descriptions: readonly CodeDescription[]): Html {
  const rows = descriptions.map(
    ({ code, description }) => html`<div data-entry>
<dt id="${errorId(code)}"><code>${code}</code></dt><dd>${renderProse(description)}</dd></div>`,
  );
  return html`<dl class="list">${rows}</dl>`;
}

/** Returns the end of the `type` of a problem; the code for errors that HTTP does not report. */
function errorId(code: number): string {
  return PROBLEM_TYPES[code]?.type ?? `code${code}`;
}

function renderSchema(name: string, schema: JsonSchema): Html {
  return html`<section class="entry" id="schema-${name}" data-entry><h3><code>${name}</code></h3>
${schema.description ? html`<p>${renderProse(schema.description)}</p>` : ''}
<details><summary>JSON Schema</summary><pre tabindex="0">${JSON.stringify(schema, null, 2)}</pre></details></section>`;
}
