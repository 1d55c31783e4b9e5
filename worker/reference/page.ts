/** The reference page at `/docs`: what the documents say, to be read. It loads nothing. @module */
import { html, raw } from 'hono/html';
import { kinds } from '../../shared/http.ts';
import type { Meaning } from '../../shared/meanings.ts';
import { closeCodes, commandErrors, requestErrors } from '../../shared/meanings.ts';
import { isMethod } from '../../shared/methods.ts';
import { events, FAILED, news } from '../../shared/notifications.ts';
import type { JsonSchema } from '../../shared/reference/json-schema.ts';
import type { ContentDescriptor, OpenRpc, OpenRpcMethod } from '../../shared/reference/openrpc.ts';
import type { OpenApi, OpenApiOperation } from './openapi.ts';
import { STYLE } from './style.ts';

/** The page of these documents. */
export function page(openRpc: OpenRpc, openApi: OpenApi): string {
  const { title, version, description } = openRpc.info;
  const { schemas } = openApi.components;
  const text = html`<!doctype html>
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
<p>Version ${version}. ${prose(description.replace('`x-added` marks', 'Marked as added is'))}</p>
<p>For programs: <a href="/openapi.json">OpenAPI</a>, <a href="/openrpc.json">OpenRPC</a>
(also <code>rpc.discover</code>), <a href="/asyncapi.json">AsyncAPI</a>.</p>
<nav aria-label="Contents"><ul>${SECTIONS.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
</header>
<main>
${heading('methods')}
${openRpc.methods.map(method)}
${heading('notifications')}
${Object.entries(news).map(
  ([name, shape]) =>
    html`<section class="entry"><h3><code>${name}</code></h3><p>${shape.meta()?.description ?? ''}</p></section>`,
)}
${heading('http')}
${Object.entries(openApi.paths).flatMap(([path, verbs]) =>
  Object.entries(verbs).map(([verb, operation]) => route(verb, path, operation)),
)}
${heading('errors')}
<p>Of a request, in its answer. Over HTTP, the <code>type</code> of a problem points here.</p>
${codes(Object.values(requestErrors))}
<h3>Of a command, in its <code>Error</code></h3>
${codes(Object.values(commandErrors))}
<h3>A socket is closed with</h3>
${codes(Object.values(closeCodes))}
${heading('shapes')}
${Object.entries(schemas).map(([name, schema]) => shape(name, schema))}
</main>
</body>
</html>
`;
  return String(text);
}

/** Nothing in it is awaited, so it is a text. */
type Html = ReturnType<typeof html>;

const SECTIONS = [
  ['methods', 'Methods'],
  ['notifications', 'Notifications beside them'],
  ['http', 'HTTP'],
  ['errors', 'Errors'],
  ['shapes', 'Shapes'],
] as const;

function heading(wanted: (typeof SECTIONS)[number][0]): Html {
  const [id, name] = SECTIONS.find(([each]) => each === wanted) ?? ['', ''];
  return html`<h2 id="${id}">${name}</h2>`;
}

const ADDED = html` <span class="added">added</span>`;

/** A sentence in which what stands between backticks is code. */
function prose(text: string): Html[] {
  return text.split('`').map((piece, at) => (at % 2 === 1 ? html`<code>${piece}</code>` : html`${piece}`));
}

function method({ name, summary, params, errors, ...more }: OpenRpcMethod): Html {
  return html`<section class="entry" id="${name}">
<h3><code>${name}</code>${more['x-added'] ? ADDED : ''}</h3>
<p>${prose(summary)}</p>
${params.length > 0 ? html`<dl>${params.map(param)}</dl>` : ''}
${isMethod(name) ? html`<h4>Is told</h4><dl>${toldOf(name)}</dl>` : ''}
<h4>May be refused with</h4><p>${errors.map(({ $ref }, at) => [at > 0 ? ', ' : '', errorLink($ref)])}</p>
</section>`;
}

function param({ name, description = '', required, schema, ...more }: ContentDescriptor): Html {
  return html`<dt><code>${name}</code>${required ? html` <span class="needed">needed</span>` : ''}${more['x-added'] ? ADDED : ''}</dt>
<dd>${prose(description)} <code>${kindOf(schema)}</code></dd>`;
}

function toldOf(name: keyof typeof events): Html[] {
  const failed = name === 'Echo' ? [] : [['Error', FAILED] as const];
  return [...Object.entries(events[name]), ...failed].map(
    ([event, { means, isAdded }]) =>
      html`<dt><code>${event}</code>${isAdded ? ADDED : ''}</dt><dd>${prose(means)}</dd>`,
  );
}

function errorLink(ref: string): Html {
  const name = ref.slice(ref.lastIndexOf('/') + 1) as keyof typeof requestErrors;
  const { code } = requestErrors[name];
  return html`<a href="#${idOf(code)}">${code}</a>`;
}

function codes(meanings: readonly Meaning[]): Html {
  return html`<dl>${meanings.map(({ code, means }) => html`<dt id="${idOf(code)}"><code>${code}</code></dt><dd>${prose(means)}</dd>`)}</dl>`;
}

/** As the `type` of a problem ends; of what HTTP does not say, the code. */
function idOf(code: number): string {
  return kinds[code]?.type ?? `code${code}`;
}

function route(
  verb: string,
  path: string,
  { summary, parameters, requestBody, responses }: OpenApiOperation,
): Html {
  const body = requestBody?.content['application/json']?.schema;
  return html`<section class="entry">
<h3><code><span class="verb">${verb.toUpperCase()}</span> ${path}</code></h3>
<p>${prose(summary)}</p>
${
  parameters.length > 0
    ? html`<dl>${parameters.map(({ name, in: place, description = '', required, schema }) =>
        param({
          name,
          description: `${description === '' ? '' : `${description}; `}in the ${place}`,
          required,
          schema,
        }),
      )}</dl>`
    : ''
}
${body ? html`<p>Takes <code>${kindOf(body)}</code></p>` : ''}
<dl>${Object.entries(responses).map(
    ([status, { description, content = {} }]) =>
      html`<dt><code>${status}</code></dt><dd>${prose(description)} ${Object.entries(content).map(([type, { schema }]) => html`<code>${schema ? kindOf(schema) : type}</code> `)}</dd>`,
  )}</dl>
</section>`;
}

function shape(name: string, schema: JsonSchema): Html {
  return html`<section class="entry" id="shape-${name}"><h3><code>${name}</code></h3>
${schema.description ? html`<p>${prose(schema.description)}</p>` : ''}
<details><summary>JSON Schema</summary><pre>${JSON.stringify(schema, null, 2)}</pre></details></section>`;
}

/** In a word or two: `string`, `Call[]`; what has a name leads to it. */
function kindOf(schema: JsonSchema): Html {
  const { $ref, type, enum: values, anyOf, oneOf, allOf, items } = schema;
  if ($ref) {
    const name = $ref.slice($ref.lastIndexOf('/') + 1);
    return html`<a href="#shape-${name}">${name}</a>`;
  }
  if (values) return html`${values.map((each) => JSON.stringify(each)).join(' | ')}`;
  const choices = anyOf ?? oneOf ?? allOf;
  if (choices) return html`${choices.map((each, at) => [at > 0 ? ' | ' : '', kindOf(each as JsonSchema)])}`;
  if (type === 'array') return html`${kindOf((items ?? {}) as JsonSchema)}[]`;
  return html`${type ?? 'anything'}`;
}
