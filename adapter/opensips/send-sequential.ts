/** The MI command that sends a request within a dialog. @module */

export const SEND_SEQUENTIAL = 'dlg_send_sequential';

/** Its names in OpenSIPS 3 and 4. OpenSIPS 4 takes both, but lists only the second. */
export const SEND_SEQUENTIAL_NAMES: readonly string[] = [SEND_SEQUENTIAL, 'dialog:send_sequential'];
