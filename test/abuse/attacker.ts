/** The process of an attacker: runs the attack of its task until it gets the command `stop`. Started by `forked.ts`. @module */
import type { AttackContext } from './attack.ts';
import { ATTACKS } from './attacks/attacks.ts';
import type { ForkMessage } from './forked.ts';
import { type AttackReport, Tally } from './tally.ts';

export interface AttackerTask {
  readonly attack: string;
  readonly context: AttackContext;
}

/** What it sends: that the attack begins, and what the attacker got when it was stopped. */
export type AttackerMessage = 'started' | AttackReport;

/** How long the sockets that an attack has left may take to close, in milliseconds. */
const END_TIMEOUT_MS = 3_000;

const tally = new Tally();
let isStopped = false;
let atStop: AttackReport | undefined;

// However the parent ends, an attack ends with it.
process.once('disconnect', () => process.exit());
process.on('message', (message: ForkMessage<AttackerTask>) => {
  if ('task' in message) {
    process.send?.('started');
    void run(message.task);
  } else {
    stop();
  }
});

function stop(): void {
  // What happens after this is the attacker's own doing.
  atStop = tally.report();
  isStopped = true;
  setTimeout(finish, END_TIMEOUT_MS);
}

async function run({ attack, context }: AttackerTask): Promise<void> {
  await ATTACKS[attack]?.run({ ...context, tally, isStopped: () => isStopped });
  while (!isStopped) await new Promise((resolve) => setTimeout(resolve, 20));
  finish();
}

function finish(): void {
  const report = atStop ?? tally.report();
  const closes = { ...report.closes, ...tally.foundClosed };
  process.send?.({ ...report, closes }, () => process.exit(0));
}
