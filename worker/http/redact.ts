/** Removes credentials from log lines. @module */

/**
 * What follows the words that announce a credential, API keys, and JWTs. None of these patterns backtracks much, whatever
 * the text.
 */
const CREDENTIALS = [
  /(\bBearer\s+)[^\s"',;]+/gi,
  /(\baccess_token(?:=|%3D))[^\s&"',;]+/gi,
  /(\bcall-api\.token\.)[^\s"',;]+/gi,
  /()ca\.[a-z0-9]{1,16}\.(?:api|adapter|admin)\.[\w.-]*/g,
  /()\beyJ[\w-]+(?:\.[\w-]*){0,2}/g,
];

/** Returns the text without the keys and tokens in it. */
export function redact(text: string): string {
  return CREDENTIALS.reduce((redacted, credential) => redacted.replace(credential, '$1…'), text);
}
