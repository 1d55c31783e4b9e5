/** What the tests' `env` and `exports` hold. */
declare namespace Cloudflare {
  interface Env extends Pick<import('../env.ts').Env, 'SWITCHBOARD' | 'ADAPTER_KEY'> {}
  interface GlobalProps {
    mainModule: typeof import('../local.ts');
  }
}
