/** Checks the times of a call: none is before an earlier one. Pure. @module */

/** A call and its timeline, as `CallGet` returns them. Times are in Unix milliseconds. */
export interface CallHistory {
  readonly call: {
    readonly callid: string;
    readonly began: number;
    readonly answered?: number;
    readonly ended?: number;
  };
  readonly timeline: readonly { readonly seq: number; readonly at: number; readonly event: string }[];
}

/** Returns what is wrong with the times of a call, or undefined. */
export function fallingTimes({ call, timeline }: CallHistory): string | undefined {
  const { callid, began, answered = began, ended = answered } = call;
  const bySeq = timeline.toSorted((one, other) => one.seq - other.seq).map(({ at }) => at);
  const rises = (times: readonly number[]) => times.every((time, index) => time >= (times[index - 1] ?? 0));
  if (rises([began, answered, ended]) && rises([began, ...bySeq])) return undefined;
  return `${callid}: ${JSON.stringify({ began, answered: call.answered, ended: call.ended, timeline })}`;
}
