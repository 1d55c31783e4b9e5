/** CallHold: puts both parties of a call, or one of them, on hold. @module */
import { holdMachine } from './hold.ts';

export const callHold = holdMachine('hold');
