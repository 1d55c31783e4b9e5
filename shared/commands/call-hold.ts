/** CallHold: puts both parties on hold. @module */
import { holdMachine } from './hold.ts';

export const callHold = holdMachine('hold');
