/** What the tests' `env` and `exports` hold. */
declare namespace Cloudflare {
  interface Env extends Readonly<import('../env.ts').Env> {}
  interface GlobalProps {
    mainModule: typeof import('../local.ts');
  }
}
