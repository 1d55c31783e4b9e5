/** Shows what the edge has answered. Pure. @module */
import type { Shown } from './admin-commands.ts';
import { type Fields, table, text } from './table.ts';

/** What goes to stdout and to stderr. */
export interface Printed {
  readonly out: string;
  readonly hint: string;
}

/** For people, or as JSON for programs. */
export function print(answer: Fields, shown: Shown, json: boolean): Printed {
  const hint = hints(answer, shown);
  if (json) return { out: `${JSON.stringify(answer, null, 2)}\n`, hint };
  switch (shown.as) {
    case 'key':
      return { out: `${text(answer['key'])}\n`, hint };
    case 'secret':
      return { out: `${text(answer['secret'])}\n`, hint };
    case 'fields':
      return { out: fields(answer), hint };
    case 'table': {
      const rows = answer[shown.list];
      return { out: table(Array.isArray(rows) ? rows : [], shown.columns), hint };
    }
    case 'nothing':
      return { out: '', hint: `Done.\n${hint}` };
  }
}

/** What the edge has refused, as a sentence for people. */
export function refusal(status: number, answer: unknown): string {
  const detail =
    typeof answer === 'object' && answer !== null && 'detail' in answer ? answer.detail : undefined;
  if (typeof detail === 'string') return `Refused (${status}): ${detail}.\n`;
  return `Refused (${status}), and not in the words of an edge: check --edge.\n`;
}

function hints(answer: Fields, shown: Shown): string {
  const lines: string[] = [];
  if (shown.as === 'key') {
    lines.push(`This is the only time that the key is shown: keep it now. Its id is ${text(answer['id'])}.`);
    if (answer['role'] === 'adapter') lines.push('The adapter beside OpenSIPS reads it from ADAPTER_KEY.');
    else
      lines.push('Clients send it as Authorization: Bearer; a browser gets a token minted with it instead.');
  }
  if (shown.as === 'secret')
    lines.push(
      `This is the only time that the secret is shown: keep it now. Its webhook is ${text(answer['id'])}.`,
    );
  const { untold, next } = answer;
  if (Array.isArray(untold) && untold.length > 0)
    lines.push(`Not reached yet: ${untold.join(', ')}. The edge goes on trying.`);
  if (next !== undefined) lines.push(`There is more: after ${text(next)}.`);
  return lines.map((line) => `${line}\n`).join('');
}

function fields(answer: Fields): string {
  const shown = Object.entries(answer).filter(([name]) => name !== 'untold');
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${text(value)}\n`).join('');
}
