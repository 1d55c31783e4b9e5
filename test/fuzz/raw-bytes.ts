/** Raw bytes for the edge's port, which no client library would send: HTTP requests and WebSocket frames. @module */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import * as fc from 'fast-check';

/** How long the edge may take to end the connection after the client has half-closed it. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Sends bytes and half-closes the connection. Resolves with the received bytes when they are complete or the edge has
 * ended the connection.
 */
export async function exchangeBytes(
  port: number,
  bytes: Uint8Array,
  isComplete: (received: Buffer) => boolean = () => false,
): Promise<Buffer> {
  const received: Buffer[] = [];
  const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
  // A reset ends the connection too.
  socket.on('error', () => {});
  return new Promise((resolve, reject) => {
    const onTimeout = () => {
      const text = Buffer.concat(received).toString('latin1');
      reject(new Error(`the connection did not end within ${CLOSE_TIMEOUT_MS} ms: ${text}`));
    };
    const timer = setTimeout(onTimeout, CLOSE_TIMEOUT_MS);
    const finish = () => {
      clearTimeout(timer);
      resolve(Buffer.concat(received));
      socket.destroy();
    };
    socket.on('data', (chunk) => {
      received.push(chunk);
      if (isComplete(Buffer.concat(received))) finish();
    });
    socket.on('close', finish);
  });
}

/** Returns the code of the close frame after an upgrade response, if there is one (RFC 6455 §5.2). */
export function findCloseCode(response: Buffer): number | undefined {
  const bytes = response.subarray(response.indexOf('\r\n\r\n') + 4);
  for (let offset = 0; offset + 2 <= bytes.length; ) {
    const firstByte = bytes.readUInt8(offset);
    const length7 = bytes.readUInt8(offset + 1) & 127;
    const headerSize = length7 === 126 ? 4 : length7 === 127 ? 10 : 2;
    if (offset + headerSize > bytes.length) return undefined;
    const length64 = length7 === 127 ? Number(bytes.readBigUInt64BE(offset + 2)) : length7;
    const payloadSize = length7 === 126 ? bytes.readUInt16BE(offset + 2) : length64;
    if (offset + headerSize + payloadSize > bytes.length) return undefined;
    if ((firstByte & 15) === 8) return payloadSize >= 2 ? bytes.readUInt16BE(offset + headerSize) : 1005;
    offset += headerSize + payloadSize;
  }
  return undefined;
}

const arbitraryText = fc.oneof(
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
const arbitraryHeader = fc.tuple(
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
    arbitraryText,
    arbitraryText.map((text) => `Bearer ${text}`),
    arbitraryText.map((text) => `call-api.v1, call-api.token.${text}`),
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

/** An HTTP request in which each part may be invalid. */
export const httpRequest: fc.Arbitrary<Buffer> = fc
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
      arbitraryText.map((text) => `/call-api?access_token=${text}`),
      arbitraryText.map((text) => `/call-api?session=${text}&since=${text}&site=${text}`),
      arbitraryText,
    ),
    fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/9.9', 'HTTP/2', ''),
    fc.array(arbitraryHeader, { maxLength: 8 }),
    fc.boolean(),
  )
  .map(([method, path, version, headers, isUpgrade]) => {
    const fixedHeaders = isUpgrade
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
      ...fixedHeaders,
      ...headers.map(([name, value]) => `${name}: ${value}`),
    ];
    return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  });

/** Returns a valid WebSocket upgrade request. */
export function buildUpgrade(credential: string): Buffer {
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

/** A WebSocket frame (RFC 6455 §5.2) in which any field may be invalid. */
const arbitraryFrame: fc.Arbitrary<Buffer> = fc
  .record({
    firstByte: fc.nat(255),
    isMasked: fc.boolean(),
    length7: fc.oneof(fc.constant(undefined), fc.constantFrom(0, 125, 126, 127)),
    extendedLength: fc.constantFrom(0n, 5n, 65_536n, 2n ** 31n, 2n ** 63n, 2n ** 64n - 1n),
    payload: fc.uint8Array({ maxLength: 120 }),
  })
  .map(({ firstByte, isMasked, length7, extendedLength, payload }) => {
    const length = length7 ?? payload.length;
    const extension = Buffer.alloc(length === 126 ? 2 : length === 127 ? 8 : 0);
    if (length === 126) extension.writeUInt16BE(Number(extendedLength & 0xffffn));
    if (length === 127) extension.writeBigUInt64BE(extendedLength);
    // A mask of zeros does not change the payload.
    const mask = Buffer.alloc(isMasked ? 4 : 0);
    return Buffer.concat([Buffer.of(firstByte, (isMasked ? 128 : 0) | length), extension, mask, payload]);
  });

/** Close frames with codes that must not be sent, and with reasons that are not UTF-8, have caused problems before. */
const closeFrame = fc
  .tuple(
    fc.constantFrom(0, 1, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535),
    fc.uint8Array({ maxLength: 120 }),
  )
  .map(([code, reason]) =>
    Buffer.concat([Buffer.of(0x88, 0x80 | (2 + reason.length), 0, 0, 0, 0, code >> 8, code & 255), reason]),
  );

export const webSocketFrame: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 5, arbitrary: arbitraryFrame },
  { weight: 1, arbitrary: closeFrame },
);
