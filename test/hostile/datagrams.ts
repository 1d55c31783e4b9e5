/** Datagrams to the adapter's UDP ports, from where OpenSIPS is and from where it is not. @module */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';

/** Sends from one address of loopback. */
export interface Sender {
  send(datagram: string | Uint8Array, port: number): Promise<void>;
  close(): void;
}

/** All of 127.0.0.0/8 is this machine's on Linux. */
export async function senderFrom(address: string): Promise<Sender> {
  const socket = createSocket('udp4').bind(0, address);
  await once(socket, 'listening');
  // Nobody there, says ICMP: that is an answer to be expected.
  socket.on('error', () => {});
  return {
    send: (datagram, port) =>
      new Promise((resolve) => socket.send(datagram, port, '127.0.0.1', () => resolve())),
    close: () => socket.close(),
  };
}

/** Local ports of the sockets that are connected to an MI port; none where the system does not tell. */
export function connectedTo(miPort: number): number[] {
  try {
    const remote = `0100007F:${miPort.toString(16).toUpperCase().padStart(4, '0')}`;
    const rows = readFileSync('/proc/net/udp', 'latin1').split('\n').slice(1);
    return rows
      .map((row) => row.trim().split(/\s+/))
      .filter(([, , theirs]) => theirs === remote)
      .map(([, ours = '']) => Number.parseInt(ours.split(':')[1] ?? '', 16));
  } catch {
    return [];
  }
}

/** An event of a dialog, as OpenSIPS would send it. */
export function forged(callid: string): string {
  const params = { id: 'x', callid, old_state: 4, new_state: 5 };
  return JSON.stringify({ jsonrpc: '2.0', method: 'E_DLG_STATE_CHANGED', params });
}

/** What is no event. */
export const garbage: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 1_400 }),
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.jsonValue().map((value) => JSON.stringify(value)),
  fc
    .record({
      jsonrpc: fc.constant('2.0'),
      id: fc.option(fc.integer()),
      method: fc.constantFrom('E_CALL_TRANSFER', 'E_CALL_HOLD', 'E_DLG_STATE_CHANGED', 'kill', '__proto__'),
      params: fc.jsonValue({ maxDepth: 2 }),
      result: fc.jsonValue({ maxDepth: 1 }),
    })
    .map((value) => JSON.stringify(value)),
  fc.constantFrom('', '{', '['.repeat(60_000), '400 Parse_error', '{"jsonrpc":"2.0"}', '\0\0\0'),
);
