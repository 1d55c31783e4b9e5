/** Bytes to the edge's port that no client library would send. @module */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import * as fc from 'fast-check';

/** Until the edge has ended the connection, in milliseconds; it is told that nothing more comes. */
const PATIENCE_MS = 5_000;

/**
 * Sends bytes and then says that there are no more; gives what came back, when that is all that is wanted or the edge
 * has ended the connection.
 */
export async function exchange(
  port: number,
  bytes: Uint8Array,
  isAll: (got: Buffer) => boolean = () => false,
): Promise<Buffer> {
  const got: Buffer[] = [];
  const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
  // A reset is an end as well.
  socket.on('error', () => {});
  return new Promise((resolve, reject) => {
    const late = () =>
      reject(new Error(`no end within ${PATIENCE_MS} ms: ${Buffer.concat(got).toString('latin1')}`));
    const timer = setTimeout(late, PATIENCE_MS);
    const end = () => {
      clearTimeout(timer);
      resolve(Buffer.concat(got));
      socket.destroy();
    };
    socket.on('data', (chunk) => {
      got.push(chunk);
      if (isAll(Buffer.concat(got))) end();
    });
    socket.on('close', end);
  });
}

/** The code of the close frame that stands behind an upgrade, if there is one (RFC 6455 §5.2). */
export function closeCodeIn(answer: Buffer): number | undefined {
  const bytes = answer.subarray(answer.indexOf('\r\n\r\n') + 4);
  for (let at = 0; at + 2 <= bytes.length; ) {
    const first = bytes.readUInt8(at);
    const short = bytes.readUInt8(at + 1) & 127;
    const head = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (at + head > bytes.length) return undefined;
    const long = short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short;
    const size = short === 126 ? bytes.readUInt16BE(at + 2) : long;
    if (at + head + size > bytes.length) return undefined;
    if ((first & 15) === 8) return size >= 2 ? bytes.readUInt16BE(at + head) : 1005;
    at += head + size;
  }
  return undefined;
}

const word = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '\0',
    '\r',
    '\n',
    '\t',
    'é',
    '%',
    ',',
    ', ,',
    'call-api.v1',
    'call-api.token.',
    'call-api.token.x',
    'x'.repeat(9_000),
  ),
);
const header = fc.tuple(
  fc.constantFrom(
    ...[
      'Authorization',
      'Sec-WebSocket-Protocol',
      'Sec-WebSocket-Key',
      'Sec-WebSocket-Version',
      'Upgrade',
      'Origin',
      'Host',
    ],
    ...[
      'X-Call-Api-Caller',
      'Cookie',
      'Content-Length',
      'Transfer-Encoding',
      'CF-Connecting-IP',
      'Forwarded',
      ' X',
      'X:Y',
      '',
    ],
  ),
  fc.oneof(
    word,
    word.map((text) => `Bearer ${text}`),
    word.map((text) => `call-api.v1, call-api.token.${text}`),
    fc.constantFrom(
      'websocket',
      'chunked',
      '-1',
      '0',
      '99999999999999999999',
      '{"role":"client","subject":"key:x"}',
      'null',
    ),
  ),
);

/** An HTTP request whose parts may each be anything. */
export const request: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.constantFrom('GET', 'GET', 'GET', 'POST', 'PUT', 'TRACE', 'CONNECT', 'get', '', 'G\0T', 'PRI'),
    fc.oneof(
      fc.constantFrom(
        '/call-api',
        '/adapter',
        '/healthz',
        '/v1/tokens',
        '/v1/admin/tenants',
        '*',
        '//',
        '',
        '/%00',
        '/..%2f..%2f',
      ),
      word.map((text) => `/call-api?access_token=${text}`),
      word.map((text) => `/call-api?session=${text}&since=${text}&site=${text}`),
      word,
    ),
    fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/9.9', 'HTTP/2', ''),
    fc.array(header, { maxLength: 8 }),
    fc.boolean(),
  )
  .map(([method, path, version, headers, websocket]) => {
    const upgrade = websocket
      ? [
          'Host: localhost',
          'Upgrade: websocket',
          'Connection: Upgrade',
          'Sec-WebSocket-Version: 13',
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        ]
      : ['Host: localhost', 'Connection: close'];
    const lines = [
      `${method} ${path} ${version}`,
      ...upgrade,
      ...headers.map(([name, value]) => `${name}: ${value}`),
    ];
    return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  });

/** An upgrade that is as it should be. */
export function upgrade(credential: string): Buffer {
  const lines = [
    'GET /call-api HTTP/1.1',
    'Host: localhost',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    `Authorization: Bearer ${credential}`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}

/** A WebSocket frame (RFC 6455 §5.2) in which any field may be wrong. */
const anyFrame: fc.Arbitrary<Buffer> = fc
  .record({
    first: fc.nat(255),
    masked: fc.boolean(),
    length: fc.oneof(fc.constant(undefined), fc.constantFrom(0, 125, 126, 127)),
    claimed: fc.constantFrom(0n, 5n, 65_536n, 2n ** 31n, 2n ** 63n, 2n ** 64n - 1n),
    payload: fc.uint8Array({ maxLength: 120 }),
  })
  .map(({ first, masked, length, claimed, payload }) => {
    const size = length ?? payload.length;
    const longer = Buffer.alloc(size === 126 ? 2 : size === 127 ? 8 : 0);
    if (size === 126) longer.writeUInt16BE(Number(claimed & 0xffffn));
    if (size === 127) longer.writeBigUInt64BE(claimed);
    // A mask of zeros leaves the payload as it is.
    const mask = Buffer.alloc(masked ? 4 : 0);
    return Buffer.concat([Buffer.of(first, (masked ? 128 : 0) | size), longer, mask, payload]);
  });

/** Close frames with codes that may not be sent, and with reasons that are no UTF-8, have been trouble. */
const closing = fc
  .tuple(
    fc.constantFrom(0, 1, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535),
    fc.uint8Array({ maxLength: 120 }),
  )
  .map(([code, reason]) =>
    Buffer.concat([Buffer.of(0x88, 0x80 | (2 + reason.length), 0, 0, 0, 0, code >> 8, code & 255), reason]),
  );

export const frame: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 5, arbitrary: anyFrame },
  { weight: 1, arbitrary: closing },
);
