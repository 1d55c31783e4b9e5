/** Renders the reference of the HTTP API at `/docs/http` from the OpenAPI document, with request samples. @module */
import { html } from 'hono/html';
import type { JsonSchema } from '../../shared/reference/json-schema.ts';
import { type CodeSample, CREDENTIAL_VARIABLES, URL_VARIABLE } from './code-samples.ts';
import type { OpenApi, OpenApiOperation } from './openapi.ts';
import {
  type Html,
  membersOf,
  renderFields,
  renderPage,
  renderProse,
  renderType,
  schemaName,
} from './render.ts';

/** An operation and its place in the document. */
interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: OpenApiOperation;
}

type NamedSchemas = OpenApi['components']['schemas'];

/** Returns the HTML of the page. */
export function renderHttpPage({ info, paths, components }: OpenApi): string {
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
  const tags = [...new Set(routes.flatMap(({ operation }) => operation.tags))];
  return renderPage({
    title: `${info.title}: HTTP API`,
    introduction: renderIntroduction(info.version),
    sections: tags.map((tag) => [tag, tag]),
    searchLabel: 'Search the HTTP API',
    main: html`${tags.map((tag) => {
      const tagged = routes.filter(({ operation }) => operation.tags.includes(tag));
      return html`<section data-group><h2 id="${tag}">${tag}</h2>
${tagged.map((route) => renderOperation(route, components.schemas))}</section>`;
    })}`,
  });
}

function renderIntroduction(version: string): Html {
  const { client, admin } = CREDENTIAL_VARIABLES;
  return html`<p>Version ${version}. <a href="/docs">Methods, events, errors and schemas</a> have a page of their own.
The same as a document: <a href="/openapi.json">OpenAPI</a>.</p>
<p>The samples read the address of the service and the credential from the environment: <code>${URL_VARIABLE}</code>, such as
<code>https://calls.example.com</code>; <code>${client}</code>, an API key or a client token; <code>${admin}</code> for the
administration. The open tenant of <code>npm start</code> accepts any <code>${client}</code>.</p>`;
}

function renderOperation({ method, path, operation }: Route, schemas: NamedSchemas): Html {
  const { operationId, summary, parameters, requestBody, responses, security } = operation;
  const body = requestBody?.content['application/json']?.schema;
  return html`<section class="entry operation" id="${operationId}" data-entry>
<div>
<h3><a class="anchor" href="#${operationId}"><code><span class="method">${method.toUpperCase()}</span> ${path}</code></a></h3>
<p>${renderProse(summary)}</p>
${security.length === 0 ? html`<p>No credential is required.</p>` : ''}
${(['path', 'query', 'header'] as const).map((location) => {
  const located = parameters.filter((parameter) => parameter.in === location);
  return located.length > 0 ? html`<h4>${PARAMETER_TITLES[location]}</h4>${renderFields(located)}` : '';
})}
${body ? html`<h4>Body${requestBody?.required ? '' : ' (optional)'}</h4>${renderBody(body, schemas)}` : ''}
<h4>Responses</h4>
<dl>${Object.entries(responses).map(
    ([status, { description, content = {} }]) =>
      html`<dt><code>${status}</code></dt><dd>${renderProse(description)} ${Object.entries(content).map(([type, { schema }]) => html`<code>${schema ? renderType(schema) : type}</code> `)}</dd>`,
  )}</dl>
</div>
<div class="samples">${operation['x-codeSamples'].map((sample, index) => renderSample(operationId, sample, index === 0))}</div>
</section>`;
}

const PARAMETER_TITLES = {
  path: 'Path parameters',
  query: 'Query parameters',
  header: 'Headers',
} as const;

/** Renders the members of a body, for each of its forms. */
function renderBody(schema: JsonSchema, schemas: NamedSchemas): Html {
  const { $ref } = schema;
  const resolved = $ref === undefined ? schema : (schemas[schemaName($ref)] ?? {});
  const forms = (resolved.oneOf ?? resolved.anyOf ?? [resolved]) as JsonSchema[];
  if (forms.some(({ properties }) => properties === undefined))
    return html`<p><code>${renderType(schema)}</code></p>`;
  return html`${forms.map((form, index) => [index > 0 ? html`<p>or</p>` : '', renderFields(membersOf(form))])}`;
}

/** Samples of one operation have the same name, so opening one closes the others. */
function renderSample(operationId: string, { label, source }: CodeSample, isOpen: boolean): Html {
  return html`<details name="samples-${operationId}"${isOpen ? ' open' : ''}><summary>${label}</summary><pre tabindex="0" aria-label="${label}"><code>${source}</code></pre></details>`;
}
