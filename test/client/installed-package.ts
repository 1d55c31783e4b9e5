/** Builds and packs the client package, and installs it in an empty project. @module */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

/** The build output that is packed. */
export const DIST_DIRECTORY = join(root, 'client/dist');

export class InstalledPackage implements AsyncDisposable {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async build(): Promise<InstalledPackage> {
    const directory = await mkdtemp(join(tmpdir(), 'call-api-client-'));
    await rm(DIST_DIRECTORY, { recursive: true, force: true });
    await execute('npm', ['run', '--silent', 'build:client'], { cwd: root });
    await execute('npm', ['pack', '--silent', '--pack-destination', directory], {
      cwd: join(root, 'client'),
    });
    const tarball = (await readdir(directory)).find((name) => name.endsWith('.tgz'));
    await writeFile(join(directory, 'package.json'), '{"type":"module","private":true}');
    const npmFlags = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
    await execute('npm', ['install', ...npmFlags, `./${tarball}`], { cwd: directory });
    return new InstalledPackage(directory);
  }

  /** Adds a program to the project, and checks its types as for a browser, without those of Node. */
  async addProgram(name: string, program: string): Promise<void> {
    await writeFile(join(this.directory, name), program);
    const flags = '--strict --exactOptionalPropertyTypes --module nodenext --target es2022 --noEmit --types';
    const args = [...flags.split(' '), '', '--lib', 'es2022,dom', name];
    await execute(join(root, 'node_modules/.bin/tsc'), args, { cwd: this.directory });
  }

  /** Runs a program on Node; resolves with its output. */
  async runProgram(name: string): Promise<string> {
    return (await execute(process.execPath, [name], { cwd: this.directory })).stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
