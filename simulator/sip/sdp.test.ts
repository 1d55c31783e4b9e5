import { describe, expect, test } from 'vitest';
import { raiseVersion, readDirection, relayMedia, setDirection } from './sdp.ts';

const withLine = (line: string) =>
  `v=0\r\no=- 1 9 IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n${line}`;

describe('a session description', () => {
  test.each([
    ['', 'sendrecv'],
    ['a=ptime:20\r\n', 'sendrecv'],
    ['a=sendonly\r\na=ptime:20\r\n', 'sendonly'],
    ['a=inactive\r\n', 'inactive'],
  ])('with the line %j has the direction %s', (line, direction) => {
    expect(readDirection(withLine(line))).toBe(direction);
  });

  test.each(['', 'a=sendrecv\r\n', 'a=inactive\r\n'])('with the line %j gets another direction', (line) => {
    expect(setDirection(withLine(line), 'recvonly')).toBe(withLine('a=recvonly\r\n'));
  });

  test('gets another version, address and port', () => {
    expect(raiseVersion(withLine(''))).toContain('o=- 1 10 IN IP4 192.0.2.1\r\n');
    expect(relayMedia(withLine(''), '192.0.2.9', 30_000)).toMatch(
      /c=IN IP4 192\.0\.2\.9\r\nm=audio 30000 RTP/,
    );
  });
});
