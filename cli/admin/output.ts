/** Formats the responses of the admin API. Pure. @module */
import { type Fields, table, text } from '../output/table.ts';
import type { Display } from './command-group.ts';

export interface Formatted {
  /** For stdout. */
  readonly out: string;
  /** For stderr. */
  readonly hints: string;
}

/** Formats a response for people, or as JSON for programs. */
export function format(answer: Fields, display: Display, json: boolean): Formatted {
  const hints = hintsFor(answer, display);
  if (json) return { out: `${JSON.stringify(answer, null, 2)}\n`, hints };
  switch (display.as) {
    case 'key':
      return { out: `${text(answer['key'])}\n`, hints };
    case 'secret':
      return { out: `${text(answer['secret'])}\n`, hints };
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

function hintsFor(answer: Fields, display: Display): string {
  const lines: string[] = [];
  if (display.as === 'key') {
    lines.push(`This is the only time that the key is shown: keep it now. Its id is ${text(answer['id'])}.`);
    if (answer['role'] === 'adapter') lines.push('The adapter beside OpenSIPS reads it from ADAPTER_KEY.');
    else
      lines.push('Clients send it as Authorization: Bearer; a browser gets a token minted with it instead.');
  }
  if (display.as === 'secret')
    lines.push(
      `This is the only time that the secret is shown: keep it now. Its webhook is ${text(answer['id'])}.`,
    );
  const { untold, next } = answer;
  if (Array.isArray(untold) && untold.length > 0)
    lines.push(`Not reached yet: ${untold.join(', ')}. The edge goes on trying.`);
  if (next !== undefined) lines.push(`There is more: after ${text(next)}.`);
  return lines.map((line) => `${line}\n`).join('');
}

function formatFields(answer: Fields): string {
  const shown = Object.entries(answer).filter(([name]) => name !== 'untold');
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${text(value)}\n`).join('');
}
