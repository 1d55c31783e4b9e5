/** All that the client promises, shown in whatever runtime this runs. @module */
import { aborting } from './aborting.ts';
import { commands } from './commands.ts';
import type { Shown } from './promise.ts';
import { resuming } from './resuming.ts';
import { tokens } from './tokens.ts';
import { watching } from './watching.ts';
import { wholeStack } from './whole-stack.ts';

/** By what they are about. */
export const suite: Readonly<Record<string, readonly Shown[]>> = {
  commands,
  resuming,
  watching,
  tokens,
  aborting,
  'whole stack': wholeStack,
};
