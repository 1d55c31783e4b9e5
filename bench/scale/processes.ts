/** Processes that are asked by messages, and what the kernel says that a process takes. @module */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Children } from '../children.ts';

/** A script of this folder as a process that is asked by messages and ends with us. */
export class Helper<Question extends object, Answer> {
  readonly child: ChildProcess;
  readonly #died: Promise<never>;

  constructor(children: Children, script: string) {
    const path = join(import.meta.dirname, script);
    this.child = fork(path, { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    children.add(script, this.child);
    this.#died = children.died;
  }

  /** Asks; one question at a time. */
  async ask(question: Question): Promise<Answer> {
    this.child.send(question);
    const [answer] = await Promise.race([once(this.child, 'message'), this.#died]);
    return answer as Answer;
  }
}

/** What a process takes. */
export interface Footprint {
  /** Resident memory now and at its peak, in MB (`VmRSS`, `VmHWM`). */
  readonly rss: number;
  readonly peak: number;
  readonly descriptors: number;
}

/** Of a process that runs. */
export function footprint({ pid }: ChildProcess): Footprint {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const megabytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  const descriptors = readdirSync(`/proc/${pid}/fd`).length;
  return { rss: megabytes('VmRSS'), peak: megabytes('VmHWM'), descriptors };
}

/** Milliseconds to a tick of the kernel's accounting (USER_HZ, 100 on every Linux that Node runs on). */
const TICK_MS = 10;

/** Processor time that it has used so far, in milliseconds: `utime` + `stime` (proc_pid_stat(5)). */
export function cpu({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name in brackets may hold spaces; after it `state` is field 3, `utime` 14 and `stime` 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
