/** Entry point of `npm start`. It loads the rest itself, so that it can say so if the packages are not installed. @module */

try {
  const { run } = await import('./run.ts');
  await run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error;
  process.stderr.write('The packages of this project are not installed. Run npm ci, then npm start.\n');
  process.exitCode = 1;
}
