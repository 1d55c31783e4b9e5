/** Builds and packs the client package, and installs it in an empty project. @module */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

/** The folder of the package, from which it is packed. */
export const PACKAGE_DIRECTORY = join(root, 'client');

/** The build output for `import`. */
export const ESM_DIRECTORY = join(PACKAGE_DIRECTORY, 'dist/esm');

/** The oldest version of TypeScript that accepts the types, and the present one. */
export type TypeScript = '5.0' | 'latest';

const COMPILERS: Readonly<Record<TypeScript, string>> = {
  '5.0': join(root, 'test/client/oldest-typescript/node_modules/typescript/bin/tsc'),
  latest: join(root, 'node_modules/typescript/bin/tsc'),
};

export class InstalledPackage implements AsyncDisposable {
  readonly directory: string;

  /** Where the package is installed. */
  get packageDirectory(): string {
    return join(this.directory, 'node_modules/call-api-edge-client');
  }

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async build(): Promise<InstalledPackage> {
    const directory = await mkdtemp(join(tmpdir(), 'call-api-client-'));
    await execute('npm', ['run', '--silent', 'build:client'], { cwd: root });
    await execute('npm', ['pack', '--silent', '--pack-destination', directory], {
      cwd: PACKAGE_DIRECTORY,
    });
    const tarball = (await readdir(directory)).find((name) => name.endsWith('.tgz'));
    await writeFile(join(directory, 'package.json'), '{"type":"module","private":true}');
    const npmFlags = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
    await execute('npm', ['install', ...npmFlags, `./${tarball}`], { cwd: directory });
    return new InstalledPackage(directory);
  }

  /** Adds a program to the project, and checks its types as for a browser, without those of Node. */
  async addProgram(name: string, program: string, typeScript: TypeScript = 'latest'): Promise<void> {
    await writeFile(join(this.directory, name), program);
    const compilerOptions = {
      ...{ strict: true, exactOptionalPropertyTypes: true, module: 'nodenext', moduleResolution: 'nodenext' },
      ...{ target: 'es2022', lib: ['es2022', 'dom'], types: [], noEmit: true },
    };
    await writeFile(
      join(this.directory, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: [name] }),
    );
    await execute(process.execPath, [COMPILERS[typeScript], '-p', '.'], { cwd: this.directory });
  }

  /** Adds a program in JavaScript. */
  addFile(name: string, program: string): Promise<void> {
    return writeFile(join(this.directory, name), program);
  }

  /** Runs a program on Node; resolves with its output. */
  async runProgram(name: string): Promise<string> {
    return (await execute(process.execPath, [name], { cwd: this.directory })).stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
