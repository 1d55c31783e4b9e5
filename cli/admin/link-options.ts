/** The options that say who opens the link of a site. Pure. @module */
import { Option } from 'commander';
import { IDLE_S, LinkSetting, MAX_DIAL_URLS } from '../../shared/policy/link-setting.ts';
import { wholeNumber } from '../../shared/settings/value-types.ts';
import { acceptedBy, choice, listParserOf, parserOf } from '../commands/argument-parsers.ts';
import { EXIT, Failure } from '../exit.ts';

export interface LinkOptions {
  readonly link?: 'accept' | 'dial';
  readonly url?: readonly string[];
  readonly idle?: number;
  readonly keep?: true;
}

const MODES = ['accept', 'dial'] as const;

const DialUrl = acceptedBy(
  LinkSetting,
  'is not the URL of an adapter. Write it like https://adapter.example.com/link, without user, password and fragment.',
  (url) => ({ mode: 'dial', url: withHttpScheme(url) }),
);

export const LINK_OPTIONS: readonly Option[] = [
  new Option(
    '--link <MODE>',
    'Who opens the link: accept, the adapter connects to the edge; dial, the edge connects to the adapter (default: unchanged, at first accept)',
  )
    .choices(MODES)
    .argParser(parserOf('--link', choice('a mode of the link', MODES))),
  new Option(
    '--url <URL>',
    'With --link dial: where the adapter listens, its --public-url, such as https://adapter.example.com/link. Repeat it for each adapter of the site',
  ).argParser(listParserOf('--url', DialUrl)),
  new Option(
    '--idle <SECONDS>',
    `With --link dial: the edge closes a link that nobody has needed for this time, ${IDLE_S.min} to ${IDLE_S.max} (default: ${IDLE_S.default})`,
  ).argParser(parserOf('--idle', wholeNumber(IDLE_S.min, IDLE_S.max))),
  new Option('--keep', 'With --link dial: the link is always open, which costs more (default: no)'),
];

/** Returns the setting, or undefined where it remains unchanged. Throws where the options do not fit together. */
export function linkFor({ link, url, idle, keep }: LinkOptions): object | undefined {
  if (link === 'dial') {
    if (url === undefined)
      throw new Failure(EXIT.usage, '--link: "dial" needs --url, the address at which the adapter listens.');
    if (url.length > MAX_DIAL_URLS)
      throw new Failure(
        EXIT.usage,
        `--url: is given ${url.length} times. A site has at most ${MAX_DIAL_URLS} adapters.`,
      );
    const [first, ...others] = url.map(withHttpScheme);
    return {
      mode: 'dial',
      url: first,
      ...(others.length > 0 ? { more_urls: others } : {}),
      idle_s: idle,
      keep,
    };
  }
  const [unused] = Object.entries({ '--url': url, '--idle': idle, '--keep': keep }).find(
    ([, value]) => value !== undefined,
  ) ?? [undefined];
  if (unused !== undefined)
    throw new Failure(
      EXIT.usage,
      `${unused}: has no effect without --link dial. Add it, or remove ${unused}.`,
    );
  return link === undefined ? undefined : { mode: 'accept' };
}

/** The edge opens a WebSocket, so people may write its scheme. */
function withHttpScheme(url: string): string {
  return url.replace(/^ws(s?):/i, 'http$1:');
}
