/** The streams of the process: what fails to be written is known, and ends no command by itself. @module */
import { fstatSync, writeSync } from 'node:fs';
import { reasonOf } from '../../shared/settings/error-reason.ts';
import { EXIT, Failure } from '../exit.ts';
import type { Output } from './printer.ts';

/** `process.stdout` or `process.stderr`. */
type WriteStream = NodeJS.WriteStream & { readonly fd: number };

/** Writes to a stream until that fails for the first time. */
export class StreamOutput implements Output {
  readonly #stream: WriteStream;
  readonly #isFile: boolean;
  readonly #failing = new AbortController();
  #failure: Error | undefined;

  constructor(stream: WriteStream) {
    this.#stream = stream;
    this.#isFile = isFile(stream.fd);
    stream.on('error', (error) => this.#fail(error));
  }

  get isTTY(): boolean {
    return this.#stream.isTTY;
  }

  get failed(): AbortSignal {
    return this.#failing.signal;
  }

  write(text: string): void {
    if (this.#failure) return;
    try {
      if (this.#isFile) writeAll(this.#stream.fd, Buffer.from(text));
      else this.#stream.write(text);
    } catch (error) {
      this.#fail(error);
    }
  }

  async flush(): Promise<Error | undefined> {
    if (!this.#isFile && !this.#failure)
      await new Promise<void>((resolve) => {
        this.#stream.write('', (error) => {
          if (error) this.#fail(error);
          resolve();
        });
      });
    return this.#failure;
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    this.#failing.abort();
  }
}

/** Returns whether the reader of a pipe, such as `head`, has closed it and needs no more. */
export function isPipeClosed(error: Error): boolean {
  return 'code' in error && error.code === 'EPIPE';
}

/** Returns what to print about output that was not written. */
export function writeFailureText(error: Error): string {
  return `Cannot write the output: ${isPipeClosed(error) ? 'the reader has closed the pipe' : reasonOf(error)}.`;
}

/**
 * Writes what cannot be read again, such as a new key; rejects with a {@link Failure} where it has not left this process.
 * @param remedy what to do then
 */
export async function deliver(out: Output, text: string, remedy: string): Promise<void> {
  out.write(text);
  const failure = await out.flush?.();
  if (failure) throw new Failure(EXIT.failed, writeFailureText(failure), remedy);
}

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
}

/** A disk that becomes full takes a part of a text without an error. Node's stream for files does not look at that. */
function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
