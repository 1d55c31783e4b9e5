/** Commands as the log has them. @module */
import type { Command } from '../../shared/runner/stored-command.ts';

/** Returns the command `c<id>` of the subject `me`, with notifications of these numbers. */
export function storedCommand(
  id: number,
  state: 'running' | 'ended',
  seqs: readonly number[] = [],
  session = 'one',
): Command {
  return {
    id,
    cmdId: `c${id}`,
    method: 'CallEnd',
    params: { callid: 'call' },
    subject: 'me',
    session,
    state: state === 'ended' ? null : { followedCallids: [] },
    requestCount: 0,
    pendingRequests: {},
    timers: {},
    notifications: seqs.map((seq) => ({ seq, event: `e${seq}` })),
    position: 0,
  };
}
