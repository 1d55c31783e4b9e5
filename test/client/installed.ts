/** The client's package, built, packed and installed where there is nothing else. @module */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

/** What the package is made of. */
export const DIST = join(root, 'client/dist');

export class Installed implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Installed> {
    const folder = await mkdtemp(join(tmpdir(), 'call-api-client-'));
    await rm(DIST, { recursive: true, force: true });
    await run('npm', ['run', '--silent', 'build:client'], { cwd: root });
    await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: join(root, 'client') });
    const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
    await writeFile(join(folder, 'package.json'), '{"type":"module","private":true}');
    const quietly = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
    await run('npm', ['install', ...quietly, `./${tarball}`], { cwd: folder });
    return new Installed(folder);
  }

  /** Puts a program beside it and checks its types, as in a browser: those of Node are not there. */
  async write(name: string, program: string): Promise<void> {
    await writeFile(join(this.folder, name), program);
    const strictly =
      '--strict --exactOptionalPropertyTypes --module nodenext --target es2022 --noEmit --types';
    const args = [...strictly.split(' '), '', '--lib', 'es2022,dom', name];
    await run(join(root, 'node_modules/.bin/tsc'), args, { cwd: this.folder });
  }

  /** Runs it on Node to its end; resolves with what it prints. */
  async run(name: string): Promise<string> {
    return (await run(process.execPath, [name], { cwd: this.folder })).stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
