/** Example values for requests, from the `examples` of the schemas and, where a schema has none, by name. Pure. @module */
import type { JsonSchema } from '../../shared/reference/json-schema.ts';

/** Values of path parameters and members whose schemas have no examples, by name. */
const VALUES_BY_NAME: Readonly<Record<string, unknown>> = {
  tenant: 'acme',
  site: 'north',
  key: 'k7m2',
  webhook: 'w1',
  name: 'alice',
  n: '42',
  file: 'index.js',
  cmd_id: 'order-4711',
};

/**
 * Bodies of operations for which the schema allows many forms, or requires members that it does not name (a change must
 * change something).
 */
const BODIES: Readonly<Record<string, unknown>> = {
  rpc: { jsonrpc: '2.0', id: 1, method: 'CallList', params: { limit: 10 } },
  start: { caller: 'sip:alice@example.com', callee: 'sip:bob@example.com' },
  transfer: { leg: 'callee', destination: 'sip:carol@example.com' },
  attendedTransfer: { legA: 'caller', callidB: 'a84b4c76e66710@10.0.0.10', legB: 'callee' },
  createTenant: { id: 'acme' },
  changeTenant: { limits: { starts_per_second: 20 } },
  createSite: { id: 'north' },
  changeSite: { rules: { deny: ['+1900*@*'] } },
  changeOwn: { rules: { deny: ['+1900*@*'] } },
  createOwnKey: { role: 'api', site: 'north' },
  changeOwnWebhook: { events: ['call.*'] },
  createKey: { role: 'api', site: 'north' },
  changeWebhook: { events: ['call.*'] },
};

/** The schemas of a document, by name. */
export type NamedSchemas = Readonly<Record<string, JsonSchema>>;

/** Returns a body that an operation accepts. */
export function exampleBody(operation: string, schema: JsonSchema, schemas: NamedSchemas): unknown {
  return BODIES[operation] ?? exampleValue('', schema, schemas);
}

/** Returns a value that a schema accepts. An object has its required members only. */
export function exampleValue(name: string, schema: JsonSchema, schemas: NamedSchemas): unknown {
  const { $ref, examples, enum: values, anyOf, oneOf, allOf, type } = schema;
  const [example = values?.[0]] = Array.isArray(examples) ? examples : [];
  if (example !== undefined) return example;
  if (schema.const !== undefined) return schema.const;
  if (schema.default !== undefined) return schema.default;
  const [choice] = anyOf ?? oneOf ?? allOf ?? [];
  const resolved = $ref === undefined ? choice : schemas[$ref.slice($ref.lastIndexOf('/') + 1)];
  const value = VALUES_BY_NAME[name];
  if (resolved && value === undefined) return exampleValue(name, resolved as JsonSchema, schemas);
  if (value !== undefined) return value;
  switch (type) {
    case 'object':
      return exampleObject(schema, schemas);
    case 'array':
      return [exampleValue('', (schema.items ?? {}) as JsonSchema, schemas)];
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    case 'boolean':
      return true;
    default:
      return 'example';
  }
}

function exampleObject({ properties = {}, required = [] }: JsonSchema, schemas: NamedSchemas): object {
  const members = required.map((name) => [name, exampleValue(name, properties[name] as JsonSchema, schemas)]);
  return Object.fromEntries(members);
}
