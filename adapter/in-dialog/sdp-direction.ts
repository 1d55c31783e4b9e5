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

/**
 * Returns an SDP whose streams have the directions of another one, which describes the same streams. Everything else is
 * unchanged. If the two have different numbers of streams, the SDP is returned as it is.
 */
export function withDirectionsOf(source: string, sdp: string): string {
  const [sourceSession = [], ...sourceMedia] = sectionsOf(source);
  const [session = [], ...media] = sectionsOf(sdp);
  if (media.length !== sourceMedia.length) return sdp;
  const sections = media.map((section, index) => {
    const direction = directionOf(sourceMedia[index] ?? []) ?? directionOf(sourceSession) ?? 'sendrecv';
    if ((directionOf(section) ?? directionOf(session) ?? 'sendrecv') === direction) return section;
    return section.some(isDirection)
      ? section.map((line) => (isDirection(line) ? replaceDirection(line, direction) : line))
      : [...terminated(section), `a=${direction}\r\n`];
  });
  return [session, ...sections].flat().join('');
}

/** Returns the direction that a section has an attribute for. */
function directionOf(section: readonly string[]): string | undefined {
  const line = section.find(isDirection)?.trimEnd() ?? '';
  return DIRECTION.exec(line)?.[1]?.toLowerCase();
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
  return direction === undefined ? line : replaceDirection(line, HELD[direction] ?? direction);
}

function replaceDirection(line: string, direction: string): string {
  return `a=${direction}${line.slice(line.trimEnd().length)}`;
}

/** Adds the line end that the last line of an SDP may lack. */
function terminated(section: readonly string[]): string[] {
  return section.map((line) => (/[\r\n]$/.test(line) ? line : `${line}\r\n`));
}
