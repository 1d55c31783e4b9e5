/** The deployed Worker. @module */
import { keys } from './admission.ts';
import { app } from './app.ts';

export { Switchboard } from './switchboard.ts';

export default app(keys);
