/** @module */

/**
 * Whatever follows the words that announce a credential, keys of ours, and JWTs. None of these can be made to try many
 * ways of reading the same text.
 */
const CREDENTIALS = [
  /(\bBearer\s+)[^\s"',;]+/gi,
  /(\baccess_token(?:=|%3D))[^\s&"',;]+/gi,
  /(\bcall-api\.token\.)[^\s"',;]+/gi,
  /()ca\.[a-z0-9]{1,16}\.(?:api|adapter)\.[\w.-]*/g,
  /()\beyJ[\w-]+(?:\.[\w-]*){0,2}/g,
];

/** The same text, without the keys and tokens in it: for logs. */
export function redacted(text: string): string {
  return CREDENTIALS.reduce((left, credential) => left.replace(credential, '$1…'), text);
}
