/** The media direction of an SDP (RFC 8866 §6.7), changed to put the receiver on hold (RFC 3264 §8.4). Pure. @module */

const DIRECTION = /^a=(sendrecv|sendonly|recvonly|inactive)[ \t]*$/i;

/** The direction of a stream that is put on hold. Without an attribute it is `sendrecv`. */
const HELD: Readonly<Record<string, string>> = {
  sendrecv: 'sendonly',
  recvonly: 'inactive',
  sendonly: 'sendonly',
  inactive: 'inactive',
};

/** A line of an SDP with its line end, which may be missing on the last one. */
const LINES = /[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g;

/**
 * Returns an SDP in which nothing is received from the phone that gets it: `sendrecv` becomes `sendonly`, `recvonly` becomes
 * `inactive`. Everything else is unchanged, including the line ends.
 */
export function holdSdp(sdp: string): string {
  const [session = [], ...media] = sectionsOf(sdp);
  const hasSessionDirection = session.some(isDirection);
  const held = media.map((section) =>
    hasSessionDirection || section.some(isDirection)
      ? section.map(hold)
      : [...terminated(section), `a=${HELD['sendrecv']}\r\n`],
  );
  return [session.map(hold), ...held].flat().join('');
}

/** Returns the lines of the session, and then those of each media section. */
function sectionsOf(sdp: string): string[][] {
  const sections: string[][] = [[]];
  for (const [line] of sdp.matchAll(LINES)) {
    if (/^m=/.test(line)) sections.push([]);
    sections.at(-1)?.push(line);
  }
  return sections;
}

function isDirection(line: string): boolean {
  return DIRECTION.test(line.trimEnd());
}

function hold(line: string): string {
  const text = line.trimEnd();
  const direction = DIRECTION.exec(text)?.[1]?.toLowerCase();
  return direction === undefined ? line : `a=${HELD[direction]}${line.slice(text.length)}`;
}

/** Adds the line end that the last line of an SDP may lack. */
function terminated(section: readonly string[]): string[] {
  return section.map((line) => (/[\r\n]$/.test(line) ? line : `${line}\r\n`));
}
