/** Collects the actions of one step of a command. @module */
import type { Action, OpenSipsRequest } from './command.ts';
import type { Failure } from './failures.ts';

export class StepActions {
  readonly list: Action[] = [];

  requestMi(name: string, command: OpenSipsRequest, timeoutMs: number): void {
    this.list.push({ type: 'mi-request', name, command, timeoutMs });
  }

  notify(event: string, data?: unknown): void {
    this.list.push(data === undefined ? { type: 'notify', event } : { type: 'notify', event, data });
  }

  fail(failure: Failure): void {
    this.list.push({ type: 'error', ...failure });
  }

  end(): void {
    this.list.push({ type: 'ended' });
  }

  startTimer(timer: string, ms: number): void {
    this.list.push({ type: 'start-timer', timer, ms });
  }

  stopTimers(...timers: string[]): void {
    for (const timer of timers) this.list.push({ type: 'stop-timer', timer });
  }

  cancel(cmdId: string): void {
    this.list.push({ type: 'cancel', cmdId });
  }
}
