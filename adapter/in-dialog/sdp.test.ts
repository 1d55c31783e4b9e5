import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holdSdp, withDirectionsOf } from './sdp-direction.ts';
import { SdpVersions, sdpVersion, withSdpVersion } from './sdp-version.ts';

const sdp = (...lines: string[]) => lines.map((line) => `${line}\r\n`).join('');
const SESSION = ['v=0', 'o=alice 7 41 IN IP4 10.0.0.1', 's=-', 'c=IN IP4 10.0.0.1', 't=0 0'];
const AUDIO = ['m=audio 4000 RTP/AVP 0', 'a=rtpmap:0 PCMU/8000'];
const VIDEO = ['m=video 4002 RTP/AVP 96', 'a=rtpmap:96 H264/90000'];

describe('an SDP with the directions of another', () => {
  it.each([
    ['a stream', ['a=recvonly'], ['a=sendrecv'], ['a=recvonly']],
    ['a stream without one', ['a=sendonly'], [], ['a=sendonly']],
    ['a source without one', [], ['a=recvonly'], ['a=sendrecv']],
    ['neither', [], [], []],
    ['the same', ['a=sendrecv'], [], []],
  ])('%s', (_, source, before, after) => {
    const result = withDirectionsOf(
      sdp(...SESSION, ...AUDIO, ...source),
      sdp(...SESSION, ...VIDEO, ...before),
    );
    expect(result).toBe(sdp(...SESSION, ...VIDEO, ...after));
  });

  it('takes the direction of a session for each of its streams, and lets a stream differ from its session', () => {
    const source = sdp(...SESSION, 'a=sendonly', ...AUDIO, ...VIDEO, 'a=inactive');
    expect(withDirectionsOf(source, sdp(...SESSION, 'a=recvonly', ...AUDIO, ...VIDEO))).toBe(
      sdp(...SESSION, 'a=recvonly', ...AUDIO, 'a=sendonly', ...VIDEO, 'a=inactive'),
    );
  });

  it('leaves an SDP with another number of streams', () => {
    const sent = sdp(...SESSION, ...AUDIO, ...VIDEO);
    expect(withDirectionsOf(sdp(...SESSION, ...AUDIO, 'a=inactive'), sent)).toBe(sent);
  });
});

describe('the SDP of a hold', () => {
  it.each([
    ['sendrecv', 'sendonly'],
    ['recvonly', 'inactive'],
    ['sendonly', 'sendonly'],
    ['inactive', 'inactive'],
  ])('turns %s into %s, in a stream and in the session', (before, after) => {
    expect(holdSdp(sdp(...SESSION, ...AUDIO, `a=${before}`))).toBe(sdp(...SESSION, ...AUDIO, `a=${after}`));
    expect(holdSdp(sdp(...SESSION, `a=${before}`, ...AUDIO, ...VIDEO))).toBe(
      sdp(...SESSION, `a=${after}`, ...AUDIO, ...VIDEO),
    );
  });

  it('adds a direction to each stream that has none', () => {
    expect(holdSdp(sdp(...SESSION, ...AUDIO, ...VIDEO, 'a=recvonly', ...AUDIO))).toBe(
      sdp(...SESSION, ...AUDIO, 'a=sendonly', ...VIDEO, 'a=inactive', ...AUDIO, 'a=sendonly'),
    );
  });

  it('changes both the session and a stream that differs from it', () => {
    expect(holdSdp(sdp(...SESSION, 'a=recvonly', ...AUDIO, 'a=sendrecv', ...VIDEO))).toBe(
      sdp(...SESSION, 'a=inactive', ...AUDIO, 'a=sendonly', ...VIDEO),
    );
  });

  it('keeps line ends, and completes a last line that has none', () => {
    expect(holdSdp('v=0\nm=audio 4 RTP/AVP 0\na=sendrecv\n')).toBe('v=0\nm=audio 4 RTP/AVP 0\na=sendonly\n');
    expect(holdSdp('v=0\r\nm=audio 4 RTP/AVP 0')).toBe('v=0\r\nm=audio 4 RTP/AVP 0\r\na=sendonly\r\n');
    expect(holdSdp('v=0\r\nm=audio 4 RTP/AVP 0\r\na=SendRecv')).toBe(
      'v=0\r\nm=audio 4 RTP/AVP 0\r\na=sendonly',
    );
  });

  it('leaves lines that only look like a direction', () => {
    const other = sdp(...SESSION, ...AUDIO, 'a=sendrecvx', 'a=x-sendrecv', 'a=fmtp:0 sendrecv', 'a=inactive');
    expect(holdSdp(other)).toBe(other);
  });

  it('lets no stream receive, changes no other line, and is the same when applied again', () => {
    const direction = fc.constantFrom([], ['a=sendrecv'], ['a=sendonly'], ['a=recvonly'], ['a=inactive']);
    const stream = fc
      .tuple(fc.constantFrom(AUDIO, VIDEO), direction)
      .map(([lines, end]) => [...lines, ...end]);
    fc.assert(
      fc.property(direction, fc.array(stream, { maxLength: 5 }), (session, streams) => {
        const before = [...SESSION, ...session, ...streams.flat()];
        const held = holdSdp(sdp(...before));
        expect(held).not.toMatch(/^a=(sendrecv|recvonly)/m);
        if (session.length === 0)
          expect(held.match(/^a=(sendonly|inactive)/gm)?.length ?? 0).toBe(streams.length);
        const isDirection = (line: string) => /^a=(sendrecv|sendonly|recvonly|inactive)$/.test(line);
        expect(held.split('\r\n').filter((line) => line !== '' && !isDirection(line))).toEqual(
          before.filter((line) => !isDirection(line)),
        );
        expect(holdSdp(held)).toBe(held);
      }),
    );
  });
});

describe('the session version', () => {
  it.each([
    [sdp('v=0', 'o=- 1 2 IN IP4 0.0.0.0'), 2n],
    ['v=0\no=- 3929 18446744073709551615 IN IP6 ::1\n', 18446744073709551615n],
    [sdp('v=0', 's=-'), undefined],
    [sdp('v=0', 'o=- 1 x IN IP4 0.0.0.0'), undefined],
  ])('is read from %j', (text, version) => {
    expect(sdpVersion(text)).toBe(version);
  });

  it('is replaced in the o= line only', () => {
    expect(withSdpVersion(sdp(...SESSION, 's=o=a 1 2 x'), 99n)).toBe(
      sdp('v=0', 'o=alice 7 99 IN IP4 10.0.0.1', ...SESSION.slice(2), 's=o=a 1 2 x'),
    );
    expect(withSdpVersion(sdp('v=0', 'o=broken'), 99n)).toBe(sdp('v=0', 'o=broken'));
  });

  it('grows with the age of the call, in tenths of a second, from well above the phone’s own', () => {
    const versions = new SdpVersions();
    expect(versions.next('1.2', 'caller', 41n, 0)).toBe(141n);
    expect(versions.next('1.2', 'callee', 41n, 5_000)).toBe(191n);
    expect(versions.next('3.4', 'caller', 41n, -5_000)).toBe(141n);
  });

  it('rises with each SDP of a leg, also after the adapter has restarted, whatever the phone’s own version', () => {
    const step = fc.record({
      leg: fc.constantFrom('caller', 'callee'),
      ownIncrease: fc.integer({ min: 0, max: 3 }),
      // A leg is not held and resumed ten times a second.
      waitMs: fc.integer({ min: 100, max: 5_000 }),
      restarts: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let versions = new SdpVersions();
        let [own, ageMs] = [41n, 0];
        const last = new Map<string, bigint>();
        for (const { leg, ownIncrease, waitMs, restarts } of steps) {
          own += BigInt(ownIncrease);
          ageMs += waitMs;
          if (restarts) versions = new SdpVersions();
          const version = versions.next('1.2', leg, own, ageMs);
          expect(version).toBeGreaterThan(last.get(leg) ?? own);
          last.set(leg, version);
        }
      }),
    );
  });

  it('rises within one tenth of a second, too, while it is remembered', () => {
    const versions = new SdpVersions();
    const sent = Array.from({ length: 4 }, () => versions.next('1.2', 'caller', 1n, 50));
    expect(sent).toEqual([101n, 102n, 103n, 104n]);
    versions.forget('1.2');
    expect(versions.size).toBe(0);
    expect(versions.next('1.2', 'caller', 1n, 50)).toBe(101n);
  });

  it('is remembered for so many legs, and forgotten for those that were used longest ago', () => {
    const versions = new SdpVersions(2);
    for (const id of ['a', 'b', 'a', 'c']) versions.next(id, 'caller', 1n, 0);
    expect(versions.size).toBe(2);
    expect(versions.next('a', 'caller', 1n, 0)).toBe(103n);
    expect(versions.next('b', 'caller', 1n, 0)).toBe(101n);
  });
});
