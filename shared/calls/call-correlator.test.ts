/** The events of each recorded trace yield the expected calls. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EviEvent } from '../opensips/evi.ts';
import { CallCorrelator } from './call-correlator.ts';

const tracesFolder = new URL('../../simulator/traces/', import.meta.url);

/** Returns the changes of each call, as the events of a trace report them. Calls are named A, B, … in order of appearance. */
function callHistories(trace: string): string[] {
  const letters = new Map<string, string>();
  const histories: string[][] = [];
  const correlator = new CallCorrelator(
    (entry) => entry,
    ({ call: { callid, state, held, became, from, reason } }, event) => {
      const letter = letters.get(callid) ?? String.fromCharCode(65 + letters.size);
      letters.set(callid, letter);
      const details = [
        state === event.toLowerCase() ? '' : state,
        held ? `held ${held.join('+')}` : '',
        became && `> ${letters.get(became) ?? '?'}`,
        from && `< ${letters.get(from)}`,
        reason,
      ];
      const change = [event, ...details].filter(Boolean).join(' ');
      const index = letter.charCodeAt(0) - 65;
      histories[index] = [...(histories[index] ?? [letter]), change];
    },
  );
  for (const line of trace.trim().split('\n')) {
    const { dir, msg, t } = JSON.parse(line) as {
      dir: string;
      msg: { method: string; params: unknown };
      t: number;
    };
    if (dir === 'evi<') correlator.onEvent(EviEvent.parse({ name: msg.method, params: msg.params }), t);
  }
  return histories.map((history) => history.join(', '));
}

describe('the calls in the trace', () => {
  it.each(readdirSync(tracesFolder).filter((name) => name.endsWith('.jsonl')))('%s', (name) => {
    expect(callHistories(readFileSync(new URL(name, tracesFolder), 'utf8'))).toMatchSnapshot();
  });
});
