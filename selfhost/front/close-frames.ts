/** Finds the Close frame in what a WebSocket server sends, and makes one (RFC 6455 §5.2). Pure. @module */

/** The opcode of a Close frame, in the low four bits of the first byte. */
const CLOSE_OPCODE = 0x8;
const OPCODE_BITS = 0x0f;
/** The low seven bits of the second byte: the length, or that it follows in two or eight bytes. A server does not mask. */
const LENGTH_BITS = 0x7f;
const LENGTH_IN_2_BYTES = 126;
const LENGTH_IN_8_BYTES = 127;

/** The bit of the first byte that ends a message. A Close frame is always the last of its own. */
const FINAL_BIT = 0x80;

/**
 * Returns a Close frame as a server sends it.
 * @param reason at most 123 bytes (RFC 6455 §5.5)
 */
export function closeFrame(code: number, reason: string): Uint8Array {
  const text = new TextEncoder().encode(reason);
  return Uint8Array.of(FINAL_BIT | CLOSE_OPCODE, 2 + text.length, code >> 8, code & 0xff, ...text);
}

/** Reads frame headers out of a byte stream, however it is cut into chunks, and skips what the frames carry. */
export class CloseFrameFinder {
  /** The bytes of the header so far. */
  #header: number[] = [];
  /** Bytes of the payload that are still to be skipped. */
  #payloadLeft = 0;
  #isFound = false;

  /** Whether a Close frame has begun. */
  get isFound(): boolean {
    return this.#isFound;
  }

  /** Whether what was read ends with a whole frame. */
  get isBetweenFrames(): boolean {
    return this.#header.length === 0 && this.#payloadLeft === 0;
  }

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
