/** Generates the tables of docs/protocol.md from the schemas that validate requests. @module */
import * as z from 'zod';
import { PROBLEM_TYPES } from '../../shared/protocol/http/problem.ts';
import { type Route, routes } from '../../shared/protocol/http/routes.ts';
import { CallView } from '../../shared/protocol/rpc/call-view.ts';
import {
  commandEvents,
  ENDED_EVENT,
  ERROR_EVENT,
  type EventDescription,
} from '../../shared/protocol/rpc/command-events.ts';
import { commandParams, isCommandMethod } from '../../shared/protocol/rpc/commands.ts';
import {
  type CodeDescription,
  closeCodes,
  commandErrors,
  requestErrors,
} from '../../shared/protocol/rpc/error-codes.ts';
import { isQueryMethod } from '../../shared/protocol/rpc/queries.ts';
import { results } from '../../shared/protocol/rpc/results.ts';
import { type JsonSchema, jsonSchemas, type Side } from '../../shared/reference/json-schema.ts';
import { type ContentDescriptor, createOpenRpc, type OpenRpcMethod } from '../../shared/reference/openrpc.ts';
import { codeList, groupByKey, markdownTable } from './markdown-table.ts';

/** Every command accepts these. The page describes them below the table. */
const COMMON_PARAMS = ['cmd_id', 'metadata'];

export const protocolSections = {
  methods: () => methodTable(({ name }) => !isQueryMethod(name)),
  queries: () => methodTable(({ name }) => isQueryMethod(name)),
  events: eventTable,
  call: callTable,
  routes: routeTable,
  problems: problemTable,
  'request-errors': () => codeTable('code', requestErrors),
  'close-codes': () => codeTable('closed with', closeCodes),
  'command-errors': () => codeTable('code', commandErrors),
} as const;

/** Returns a row for each param. Methods with the same params share their rows. */
function methodTable(isIncluded: (method: OpenRpcMethod) => boolean): string {
  const included = createOpenRpc('').methods.filter(isIncluded);
  const rows = groupByKey(included, (method) => JSON.stringify(paramRows(method))).flatMap((group) => {
    const [first] = group;
    const label = group.map(methodLabel).join(', ');
    return first ? paramRows(first).map((row) => [label, ...row]) : [];
  });
  return markdownTable(['method', 'param', ''], rows);
}

/** The page says in one sentence that all queries are added, so they are not marked here. */
function methodLabel({ name, ...more }: OpenRpcMethod): string {
  return `\`${name}\`${more['x-added'] && !isQueryMethod(name) ? ' (*added*)' : ''}`;
}

function paramRows({ name, params }: OpenRpcMethod): string[][] {
  const documented = params.filter((param) => !COMMON_PARAMS.includes(param.name) || !isCommandMethod(name));
  const rows = documented.map((param) => [`\`${param.name}\``, describeParam(param)]);
  if (name === 'Echo') rows.push(['any', 'any; the event `Reply` contains them']);
  return isCommandMethod(name)
    ? rows
    : [...rows, ['*answer*', describeResult(results[name as keyof typeof results])]];
}

function describeParam({ description = '', required, ...more }: ContentDescriptor): string {
  const kind = more['x-added'] ? '*added:* ' : required ? '' : 'optional: ';
  return kind + description;
}

/** Returns the members of a result and their description: `{calls, cursor?}: the newest first`. */
function describeResult(shape: z.ZodType): string {
  const { properties = {}, required = [], description } = toJsonSchema(shape);
  const members = Object.keys(properties).map((name) => (required.includes(name) ? name : `${name}?`));
  return `{${members.join(', ')}}${description === undefined ? '' : `: ${description}`}`;
}

function toJsonSchema(shape: z.ZodType, side: Side = 'output'): JsonSchema {
  return jsonSchemas({ Shape: shape }, side, 'draft-2020-12')['Shape'] ?? {};
}

function eventTable(): string {
  const rows = (Object.keys(commandParams) as (keyof typeof commandParams)[]).flatMap((method) =>
    Object.entries(commandEvents[method])
      .filter(([name]) => !(name in ENDED_EVENT))
      .map(([name, event]) => [`\`${method}\``, ...eventRow(name, event)]),
  );
  const commonRows = [
    ['any that fails', ...eventRow('Error', ERROR_EVENT)],
    ['any', ...eventRow('Ended', ENDED_EVENT.Ended)],
  ];
  return markdownTable(['method', 'event', '`data`', ''], [...rows, ...commonRows]);
}

function eventRow(name: string, { description, data, isAdded, frequency }: EventDescription): string[] {
  const kind = isAdded ? '*added:* ' : '';
  return [`\`${name}\``, describeData(data), kind + (frequency ? `${frequency}: ` : '') + description];
}

function describeData(data: z.ZodType | undefined): string {
  if (!(data instanceof z.ZodObject)) return data ? 'a sentence' : '';
  const members = Object.keys(data.shape);
  return members.length > 0 ? `{${members.join(', ')}}` : 'the params';
}

function callTable(): string {
  const { properties = {} } = toJsonSchema(CallView);
  const fields = Object.entries(properties as Record<string, JsonSchema>);
  const rows = groupByKey(fields, ([, { description = '' }]) => description).map((group) => [
    codeList(group.map(([name]) => name)),
    group[0]?.[1].description ?? '',
  ]);
  return markdownTable(['field', ''], rows);
}

function routeTable(): string {
  const rows = Object.values<Route>(routes).map((route) => [
    `\`${route.method} ${route.path}\``,
    route.description + (route.rpcMethod ? ` (${route.rpcMethod})` : ''),
    describeInput(route),
    route.scope ? `\`${route.scope}\`` : '',
  ]);
  return markdownTable(['route', '', 'takes', 'needs'], rows);
}

/** Returns the members of the body, then the query parameters, except those that every route accepts. */
function describeInput({ body, query, isBodyOptional }: Route): string {
  const { properties = {}, required = [] } = body instanceof z.ZodObject ? toJsonSchema(body, 'input') : {};
  const members = Object.keys(properties)
    .filter((name) => !COMMON_PARAMS.includes(name))
    .map((name) => (required.includes(name) ? name : `${name}?`));
  const queryNames = Object.keys(query.shape).filter((name) => !['site', 'access_token'].includes(name));
  const inBody = members.length > 0 ? [`{${members.join(', ')}}${isBodyOptional ? ', or no body' : ''}`] : [];
  return [
    ...inBody,
    ...(queryNames.length > 0 ? [codeList(queryNames.map((name) => `?${name}=`))] : []),
  ].join('; ');
}

/** Returns a row for each status. */
function problemTable(): string {
  const rows = groupByKey(Object.entries(PROBLEM_TYPES), ([, { status }]) => String(status)).map((group) => [
    group.map(([code]) => code).join(', '),
    String(group[0]?.[1].status ?? ''),
    codeList(group.map(([, { type }]) => type)),
  ]);
  return markdownTable(['`code`', 'status', '`type` ends with'], rows);
}

function codeTable(codeHeader: string, codes: Readonly<Record<string, CodeDescription>>): string {
  const rows = Object.values(codes).map(({ code, description }) => [String(code), description]);
  return markdownTable([codeHeader, 'meaning'], rows);
}
