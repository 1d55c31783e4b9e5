/** A forked script that handles requests over the IPC channel. @module */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ChildProcesses } from '../../child-processes.ts';

/** A script of this directory in a process of its own, which is killed together with `children`. */
export class ForkedProcess<Request extends object, Response> {
  readonly child: ChildProcess;
  readonly #exited: Promise<never>;

  constructor(children: ChildProcesses, script: string) {
    const path = join(import.meta.dirname, script);
    this.child = fork(path, { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    children.add(script, this.child);
    this.#exited = children.exited;
  }

  /** Sends a request and resolves with its response. Supports one request at a time. */
  async request(request: Request): Promise<Response> {
    this.child.send(request);
    const [response] = await Promise.race([once(this.child, 'message'), this.#exited]);
    return response as Response;
  }
}
