/** CallUnhold: resumes a call that is on hold. @module */
import { holdMachine } from './hold.ts';

export const callUnhold = holdMachine('unhold');
