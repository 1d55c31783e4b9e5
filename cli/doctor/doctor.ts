/** `doctor`: looks at each place between here and the phones, says what is wrong and what mends it. @module */
import { EXIT, type Exit } from '../exit.ts';
import type { Printer } from '../printer.ts';
import type { Settings } from '../settings.ts';
import { text } from '../table.ts';
import type { Tone } from '../words.ts';
import { CHECKS, type Check, type Finding, unreached } from './finding.ts';
import { straight } from './straight.ts';
import { throughEdge } from './through-edge.ts';

/** Those that need no edge. */
const STRAIGHT: readonly Check[] = ['mi', 'clock', 'opensips', 'modules', 'subscriptions', 'events', 'loop'];

const MARKS = { well: ['✓', 'good'], ill: ['✗', 'bad'], unknown: ['·', 'faint'] } as const satisfies Record<
  Finding['state'],
  readonly [string, Tone]
>;

/** Checks all of it; 1 where anything is ill. */
export async function doctor(
  settings: Settings,
  testAddress: string | undefined,
  printer: Printer,
): Promise<Exit> {
  const findings: Finding[] = [];
  const tell = (finding: Finding) => {
    findings.push(finding);
    show(finding, printer);
  };
  const look = settings.direct ? straight : throughEdge;
  const why = await look(settings, testAddress, tell);
  for (const each of unreached(findings, settings.direct ? STRAIGHT : CHECKS, why)) show(each, printer);
  return findings.some(({ state }) => state === 'ill') ? EXIT.failed : EXIT.done;
}

function show(finding: Finding, printer: Printer): void {
  const { check, state, says, mend } = finding;
  const [mark, tone] = MARKS[state];
  printer.object(finding);
  printer.line({ text: `${mark} ${check.padEnd(13)}  ${text(says)}`, tone });
  if (mend !== undefined) printer.line({ text: `${' '.repeat(17)}→ ${mend}`, tone: 'plain' });
}
