/** Echo: sends the params back. It runs in the edge and never reaches OpenSIPS. @module */

import type { CommandParams } from '../protocol/rpc/commands.ts';
import type { CommandMachine, CommandState } from './command.ts';
import { StepActions } from './step-actions.ts';

export const echo: CommandMachine<CommandParams<'Echo'>, CommandState> = {
  start(params) {
    const actions = new StepActions();
    actions.notify('Reply', params);
    actions.end();
    return { state: null, actions: actions.list };
  },
  step: (state) => ({ state, actions: [] }),
};
