/** Echo: sends the params back. It reaches nothing but the edge. @module */
import { type Machine, type State, Turn } from '../command.ts';
import type { Params } from '../methods.ts';

export const echo: Machine<Params<'Echo'>, State> = {
  start(params) {
    const turn = new Turn();
    turn.notify('Reply', params);
    turn.ended();
    return { state: null, actions: turn.actions };
  },
  step: (state) => ({ state, actions: [] }),
};
