/** The new calls that running commands are making: each command has at most one. @module */

export class NewCalls {
  readonly #callids = new Map<number, string>();
  readonly #commandIds = new Map<string, number>();

  /** Notes the call of a command, in place of an earlier one. */
  set(commandId: number, callid: string): void {
    this.delete(commandId);
    this.#callids.set(commandId, callid);
    this.#commandIds.set(callid, commandId);
  }

  /** Returns whether a running command is making this call. */
  has(callid: string): boolean {
    return this.#commandIds.has(callid);
  }

  /** Returns the call of a command. */
  of(commandId: number): string | undefined {
    return this.#callids.get(commandId);
  }

  /** Forgets the call of a command that has ended. Returns its Call-ID. */
  delete(commandId: number): string | undefined {
    const callid = this.#callids.get(commandId);
    if (callid === undefined) return undefined;
    this.#callids.delete(commandId);
    if (this.#commandIds.get(callid) === commandId) this.#commandIds.delete(callid);
    return callid;
  }
}
