/** Finds the Close frame in what a WebSocket server sends (RFC 6455 §5.2). Pure. @module */

/** The opcode of a Close frame, in the low four bits of the first byte. */
const CLOSE_OPCODE = 0x8;
const OPCODE_BITS = 0x0f;
/** The low seven bits of the second byte: the length, or that it follows in two or eight bytes. A server does not mask. */
const LENGTH_BITS = 0x7f;
const LENGTH_IN_2_BYTES = 126;
const LENGTH_IN_8_BYTES = 127;

/** Reads frame headers out of a byte stream, however it is cut into chunks, and skips what the frames carry. */
export class CloseFrameFinder {
  /** The bytes of the header so far. */
  #header: number[] = [];
  /** Bytes of the payload that are still to be skipped. */
  #payloadLeft = 0;
  #isFound = false;

  /** Reads the next bytes, and returns whether a Close frame has begun in them or before. */
  read(chunk: Uint8Array): boolean {
    for (let at = 0; at < chunk.length && !this.#isFound; ) {
      const skipped = Math.min(this.#payloadLeft, chunk.length - at);
      this.#payloadLeft -= skipped;
      at += skipped;
      if (at < chunk.length) this.#readHeaderByte(chunk[at++] ?? 0);
    }
    return this.#isFound;
  }

  #readHeaderByte(byte: number): void {
    const header = this.#header;
    header.push(byte);
    const [first = 0, second] = header;
    if (second === undefined) return;
    if ((first & OPCODE_BITS) === CLOSE_OPCODE) this.#isFound = true;
    const length = second & LENGTH_BITS;
    const lengthBytes = length === LENGTH_IN_8_BYTES ? 8 : length === LENGTH_IN_2_BYTES ? 2 : 0;
    if (header.length < 2 + lengthBytes) return;
    this.#payloadLeft =
      lengthBytes === 0 ? length : header.slice(2).reduce((value, each) => value * 256 + each, 0);
    this.#header = [];
  }
}
