/** Memory, file descriptors and processor time of a running process, from Linux's /proc. @module */
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface MemoryUsage {
  /** Resident memory now and at its peak, in MB of 2^20 bytes (`VmRSS`, `VmHWM`). */
  readonly rssMb: number;
  readonly peakRssMb: number;
}

export function memoryUsage({ pid }: ChildProcess): MemoryUsage {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const megabytes = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return { rssMb: megabytes('VmRSS'), peakRssMb: megabytes('VmHWM') };
}

/** Returns the number of open file descriptors. */
export function descriptorCount({ pid }: ChildProcess): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** The unit of the kernel's accounting (USER_HZ, 100 on every Linux that Node runs on). */
const TICK_MS = 10;

/** Returns the processor time used so far: `utime` + `stime` (proc_pid_stat(5)). */
export function cpuTimeMs({ pid }: ChildProcess): number {
  return statCpuMs(readFileSync(`/proc/${pid}/stat`, 'latin1'));
}

/** Returns the processor time in the text of `/proc/PID/stat`. */
export function statCpuMs(stat: string): number {
  // The name in parentheses may contain spaces. After it, `state` is field 3, `utime` 14 and `stime` 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
