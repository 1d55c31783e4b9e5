/** Session descriptions (SDP, RFC 8866) as far as hold needs them. @module */

/** RFC 8866, section 6.7. */
export type SdpDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

const DIRECTION_LINE = /^a=(sendrecv|sendonly|recvonly|inactive)\r?$/m;

/** Returns the direction of the first medium that has one; `sendrecv` without any. */
export function readDirection(sdp: string): SdpDirection {
  const direction = DIRECTION_LINE.exec(sdp)?.[1];
  return direction === 'sendonly' || direction === 'recvonly' || direction === 'inactive'
    ? direction
    : 'sendrecv';
}

/** Returns the description with another direction. */
export function setDirection(sdp: string, direction: SdpDirection): string {
  const line = `a=${direction}`;
  if (DIRECTION_LINE.test(sdp)) return sdp.replace(/^a=(?:sendrecv|sendonly|recvonly|inactive)/gm, line);
  return `${sdp.replace(/(?:\r\n)*$/, '')}\r\n${line}\r\n`;
}

/** Returns the description with the next `sess-version` in its o= line, which a changed description must have. */
export function raiseVersion(sdp: string): string {
  return sdp.replace(/^(o=\S+ \S+ )(\d+)/m, (_, start: string, version: string) => {
    return `${start}${BigInt(version) + 1n}`;
  });
}

/** Returns the description as a media relay such as rtpengine rewrites it: with its own address and port. */
export function relayMedia(sdp: string, host: string, port: number): string {
  return sdp
    .replace(/^(c=IN IP4 )\S+/gm, (_, start: string) => `${start}${host}`)
    .replace(/^(m=audio )\d+/gm, (_, start: string) => `${start}${port}`);
}
