/** Formats the responses of the admin API. Pure. @module */
import { type Fields, table, text } from '../output/table.ts';
import type { Display } from './command-group.ts';

export interface Formatted {
  /** For stdout. */
  readonly out: string;
  /** For stderr. */
  readonly hints: string;
  /** What to do if `out`, which is shown only once, cannot be written. */
  readonly lost?: string | undefined;
}

/** Formats a response for people, or as JSON for programs. */
export function format(
  answer: Fields,
  display: Display,
  { json, isOwn = false }: { readonly json: boolean; readonly isOwn?: boolean },
): Formatted {
  const hints = hintsFor(answer, display);
  const remedy = remedyForLoss(answer, display);
  const lost = isOwn ? remedy?.replace('call-api admin', 'call-api manage').replace(' TENANT', '') : remedy;
  if (json) return { out: `${JSON.stringify(answer, null, 2)}\n`, hints, lost };
  switch (display.as) {
    case 'key':
    case 'admin-key':
      return { out: `${text(answer['key'])}\n`, hints, lost };
    case 'secret':
      return { out: `${text(answer['secret'])}\n`, hints, lost };
    case 'fields':
      return { out: formatFields(answer), hints };
    case 'table': {
      const rows = answer[display.list];
      return { out: table(Array.isArray(rows) ? rows : [], display.columns), hints };
    }
    case 'nothing':
      return { out: '', hints: `Done.\n${hints}` };
  }
}

/** A key or a secret exists from the response on, whether it was read or not. */
function remedyForLoss(answer: Fields, { as }: Display): string | undefined {
  const id = text(answer['id']);
  if (as === 'admin-key')
    return `The key of ${text(answer['name'])} was created and nobody has it: replace it with call-api admin administrator rotate ${text(answer['name'])}.`;
  if (as === 'key')
    return `The key ${id} was created and nobody has it: replace it with call-api admin key rotate TENANT ${id}.`;
  return as === 'secret'
    ? `The webhook ${id} has a new secret and nobody has it: replace it with call-api admin webhook rotate TENANT SITE ${id}.`
    : undefined;
}

function hintsFor(answer: Fields, display: Display): string {
  const lines: string[] = [];
  if (display.as === 'key') {
    lines.push(`Store the key now: it is not shown again. Its id is ${text(answer['id'])}.`);
    if (answer['role'] === 'adapter') lines.push('Set it as ADAPTER_KEY of the adapter.');
    else
      lines.push('Servers send it as Authorization: Bearer. Give browsers a token instead: call-api token.');
  }
  if (display.as === 'admin-key')
    lines.push(
      'Store the key now: it is not shown again.',
      `${text(answer['name'])} sets it as ADMIN_SECRET of call-api admin.`,
    );
  if (display.as === 'secret')
    lines.push(
      `Store the secret now: it is not shown again. The id of the webhook is ${text(answer['id'])}.`,
    );
  const { untold, next } = answer;
  if (Array.isArray(untold) && untold.length > 0)
    lines.push(`The change has not reached these sites yet: ${untold.join(', ')}. The edge tries again.`);
  if (typeof next === 'number') lines.push(`There are more entries. Continue with --before ${next}.`);
  else if (next !== undefined) lines.push(`There are more tenants. Continue with --after ${text(next)}.`);
  return lines.map((line) => `${line}\n`).join('');
}

function formatFields(answer: Fields): string {
  const shown = Object.entries(answer).filter(([name]) => name !== 'untold');
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${text(value)}\n`).join('');
}
