/** `doctor`: checks each place between here and the phones, and shows what is wrong and what repairs it. @module */
import { interrupted } from '../commands/session.ts';
import { EXIT, type Exit, Failure } from '../exit.ts';
import type { Tone } from '../output/labels.ts';
import type { Printer } from '../output/printer.ts';
import { text } from '../output/table.ts';
import type { Settings } from '../settings/settings.ts';
import { checkDirect } from './direct.ts';
import { checkThroughEdge } from './edge.ts';
import { DIRECT_CHECKS, EDGE_CHECKS, exitForFindings, type Finding, unreached } from './finding.ts';
import { TestCalls } from './test-call.ts';

const MARKS = { well: ['✓', 'good'], ill: ['✗', 'bad'], unknown: ['·', 'faint'] } as const satisfies Record<
  Finding['state'],
  readonly [string, Tone]
>;

/** Runs all checks; at Ctrl-C it ends the calls that it has made, and no others begin. Returns the exit code of another command that would fail for the same reason, or 1 for other faults. */
export async function runDoctor(
  settings: Settings,
  testAddress: string | undefined,
  printer: Printer,
  interrupt: AbortSignal,
): Promise<Exit> {
  const findings: Finding[] = [];
  const report = (finding: Finding) => {
    // No check leaves a call behind when it reports, so this is where the rest of them can be left out.
    if (interrupt.aborted) throw new Failure(EXIT.interrupted, 'Interrupted.');
    findings.push(finding);
    show(finding, printer);
  };
  const calls = new TestCalls(interrupt);
  const check = settings.direct ? checkDirect : checkThroughEdge;
  const reason = await Promise.race([check(settings, testAddress, report, calls), interrupted(interrupt)]);
  if (reason === EXIT.interrupted) {
    await calls.allEnded;
    return reason;
  }
  const checks = settings.direct ? DIRECT_CHECKS : EDGE_CHECKS;
  for (const finding of unreached(findings, checks, reason)) show(finding, printer);
  return exitForFindings(findings);
}

function show(finding: Finding, printer: Printer): void {
  const { check, state, says, mend } = finding;
  const [mark, tone] = MARKS[state];
  printer.object({ check, state, says, ...(mend === undefined ? {} : { mend }) });
  printer.line({ text: `${mark} ${check.padEnd(13)}  ${text(says)}`, tone });
  if (mend !== undefined) printer.line({ text: `${' '.repeat(17)}→ ${mend}`, tone: 'plain' });
}
