/**
 * Builds a bundle that is given to others, with the notices of its third-party packages beside it:
 * `node build/main.ts cli|adapter`. `build/client.ts` builds the client package.
 * @module
 */
import { chmod, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { NODE_OPTIONS } from './node-options.ts';
import { NOTICES_FILE, renderNotices } from './notices.ts';

const root = resolve(import.meta.dirname, '..');

interface Bundle {
  readonly options: BuildOptions & { readonly outfile: string };
  /** Path of the notices. Two bundles in one folder have a file each. */
  readonly notices: string;
}

const bundles: Readonly<Record<string, Bundle>> = {
  cli: {
    options: { ...NODE_OPTIONS, entryPoints: ['cli/main.ts'], outfile: 'dist/call-api.js' },
    notices: `dist/call-api.${NOTICES_FILE}`,
  },
  adapter: {
    options: { ...NODE_OPTIONS, entryPoints: ['adapter/main.ts'], outfile: 'dist/adapter.js' },
    notices: `dist/adapter.${NOTICES_FILE}`,
  },
};

const [name = ''] = process.argv.slice(2);
const bundle = bundles[name];
if (!bundle) {
  process.stderr.write(
    `${name || 'nothing'} is not a bundle: name one of ${Object.keys(bundles).join(', ')}\n`,
  );
  process.exitCode = 2;
} else {
  await buildBundle(bundle);
  if (name === 'cli') await chmod(join(root, bundle.options.outfile), 0o755);
}

async function buildBundle({ options, notices }: Bundle): Promise<void> {
  const { metafile } = await build({
    ...options,
    absWorkingDir: root,
    bundle: true,
    format: 'esm',
    logLevel: 'warning',
    metafile: true,
  });
  // Files of which the bundler has dropped everything are listed with 0 bytes.
  const files = Object.values(metafile?.outputs ?? {}).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
  await writeFile(join(root, notices), await renderNotices(basename(options.outfile), files));
}
