/** The tables of `protocol.md`, from the schemas that requests are checked with. @module */
import * as z from 'zod';
import { answers } from '../../shared/answers.ts';
import { kinds, type Route, routes } from '../../shared/http.ts';
import { closeCodes, commandErrors, type Meaning, requestErrors } from '../../shared/meanings.ts';
import { isMethod, isQuery, methods } from '../../shared/methods.ts';
import { CallView, type CommandEvent, ENDED, events, FAILED } from '../../shared/notifications.ts';
import { type JsonSchema, jsonSchemas, type Side } from '../../shared/reference/json-schema.ts';
import { type ContentDescriptor, type OpenRpcMethod, openRpc } from '../../shared/reference/openrpc.ts';
import { grouped, names, table } from './table.ts';

/** Every command takes them: they are told of below the table. */
const COMMON = ['cmd_id', 'metadata'];

export const protocol = {
  methods: () => methodTable(({ name }) => !isQuery(name)),
  queries: () => methodTable(({ name }) => isQuery(name)),
  events: eventTable,
  call: callTable,
  routes: routeTable,
  problems: problemTable,
  'request-errors': () => codeTable('code', requestErrors),
  'close-codes': () => codeTable('closed with', closeCodes),
  'command-errors': () => codeTable('code', commandErrors),
} as const;

/** A row for each param; methods that take the same stand together. */
function methodTable(wanted: (method: OpenRpcMethod) => boolean): string {
  const all = openRpc('').methods.filter(wanted);
  const rows = grouped(all, (method) => JSON.stringify(rowsOf(method))).flatMap((group) => {
    const [first] = group;
    const called = group.map(calledBy).join(', ');
    return first ? rowsOf(first).map((row) => [called, ...row]) : [];
  });
  return table(['method', 'param', ''], rows);
}

/** Queries are told of as added in one sentence. */
function calledBy({ name, ...more }: OpenRpcMethod): string {
  return `\`${name}\`${more['x-added'] && !isQuery(name) ? ' (*added*)' : ''}`;
}

function rowsOf({ name, params }: OpenRpcMethod): string[][] {
  const own = params.filter((param) => !COMMON.includes(param.name) || !isMethod(name));
  const rows = own.map((param) => [`\`${param.name}\``, told(param)]);
  if (name === 'Echo') rows.push(['any', 'they come back']);
  return isMethod(name) ? rows : [...rows, ['*answer*', answerOf(answers[name as keyof typeof answers])]];
}

function told({ description = '', required, ...more }: ContentDescriptor): string {
  const kind = more['x-added'] ? '*added:* ' : required ? '' : 'optional: ';
  return kind + description;
}

/** What stands in it, and what that is: `{calls, cursor?}: the newest first`. */
function answerOf(shape: z.ZodType): string {
  const { properties = {}, required = [], description } = schemaOf(shape);
  const members = Object.keys(properties).map((name) => (required.includes(name) ? name : `${name}?`));
  return `{${members.join(', ')}}${description === undefined ? '' : `: ${description}`}`;
}

function schemaOf(shape: z.ZodType, side: Side = 'output'): JsonSchema {
  return jsonSchemas({ It: shape }, side, 'draft-2020-12')['It'] ?? {};
}

function eventTable(): string {
  const rows = (Object.keys(methods) as (keyof typeof methods)[]).flatMap((method) =>
    Object.entries(events[method])
      .filter(([name]) => !(name in ENDED))
      .map(([name, event]) => [`\`${method}\``, ...eventRow(name, event)]),
  );
  const ofAll = [
    ['any that fails', ...eventRow('Error', FAILED)],
    ['any', ...eventRow('Ended', ENDED.Ended)],
  ];
  return table(['method', 'event', '`data`', ''], [...rows, ...ofAll]);
}

function eventRow(name: string, { means, data, isAdded, times }: CommandEvent): string[] {
  const kind = isAdded ? '*added:* ' : '';
  return [`\`${name}\``, dataOf(data), kind + (times ? `${times}: ` : '') + means];
}

function dataOf(data: z.ZodType | undefined): string {
  if (!(data instanceof z.ZodObject)) return data ? 'a sentence' : '';
  const members = Object.keys(data.shape);
  return members.length > 0 ? `{${members.join(', ')}}` : 'the params';
}

function callTable(): string {
  const { properties = {} } = schemaOf(CallView);
  const fields = Object.entries(properties as Record<string, JsonSchema>);
  const rows = grouped(fields, ([, { description = '' }]) => description).map((group) => [
    names(group.map(([name]) => name)),
    group[0]?.[1].description ?? '',
  ]);
  return table(['field', ''], rows);
}

function routeTable(): string {
  const rows = Object.values<Route>(routes).map((route) => [
    `\`${route.verb} ${route.path}\``,
    route.means + (route.asks ? ` (${route.asks})` : ''),
    takenBy(route),
    route.scope ? `\`${route.scope}\`` : '',
  ]);
  return table(['route', '', 'takes', 'needs'], rows);
}

/** Members of the body, then of the query, but for those that any route takes. */
function takenBy({ body, query, isBodyOptional }: Route): string {
  const { properties = {}, required = [] } = body instanceof z.ZodObject ? schemaOf(body, 'input') : {};
  const members = Object.keys(properties)
    .filter((name) => !COMMON.includes(name))
    .map((name) => (required.includes(name) ? name : `${name}?`));
  const asked = Object.keys(query.shape).filter((name) => !['site', 'access_token'].includes(name));
  const inBody = members.length > 0 ? [`{${members.join(', ')}}${isBodyOptional ? ', or no body' : ''}`] : [];
  return [...inBody, ...(asked.length > 0 ? [names(asked.map((name) => `?${name}=`))] : [])].join('; ');
}

/** Those whose status is the same stand together. */
function problemTable(): string {
  const rows = grouped(Object.entries(kinds), ([, { status }]) => String(status)).map((group) => [
    group.map(([code]) => code).join(', '),
    String(group[0]?.[1].status ?? ''),
    names(group.map(([, { type }]) => type)),
  ]);
  return table(['`code`', 'status', '`type` ends with'], rows);
}

function codeTable(head: string, meanings: Readonly<Record<string, Meaning>>): string {
  const rows = Object.values(meanings).map(({ code, means }) => [String(code), means]);
  return table([head, 'meaning'], rows);
}
