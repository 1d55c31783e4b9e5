/** What the platform's package exports, which ships no types: the path of its binary, as CommonJS. */
declare module 'workerd' {
  const module: { readonly default: string; readonly compatibilityDate: string };
  export default module;
}
