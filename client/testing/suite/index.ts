/** All test cases that run in every runtime. @module */
import { abortSignals } from './abort-signals.ts';
import { breaks } from './breaks.ts';
import { commands } from './commands.ts';
import { deadlines } from './deadlines.ts';
import { fullStack } from './full-stack.ts';
import { reconnecting } from './reconnecting.ts';
import { snapshots } from './snapshots.ts';
import type { TestCase } from './test-case.ts';
import { tokens } from './tokens.ts';
import { watches } from './watches.ts';

/** The test cases by subject. */
export const suite: Readonly<Record<string, readonly TestCase[]>> = {
  commands,
  reconnecting,
  breaks,
  deadlines,
  watches,
  snapshots,
  tokens,
  'abort signals': abortSignals,
  'full stack': fullStack,
};
