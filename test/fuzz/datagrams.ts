/** Datagrams to the adapter's UDP ports, from the address of OpenSIPS and from others. @module */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';

/** Sends datagrams from one loopback address. */
export interface DatagramSender {
  send(datagram: string | Uint8Array, port: number): Promise<void>;
  close(): void;
}

/** Opens a sender at an address of 127.0.0.0/8, all of which belong to this machine on Linux. */
export async function openSender(address: string): Promise<DatagramSender> {
  const socket = createSocket('udp4').bind(0, address);
  await once(socket, 'listening');
  // ICMP port unreachable is an expected response.
  socket.on('error', () => {});
  return {
    send: (datagram, port) =>
      new Promise((resolve) => socket.send(datagram, port, '127.0.0.1', () => resolve())),
    close: () => socket.close(),
  };
}

/** Returns the local ports of the sockets connected to an MI port, or none if the system does not list them. */
export function findConnectedPorts(miPort: number): number[] {
  try {
    const miAddress = `0100007F:${miPort.toString(16).toUpperCase().padStart(4, '0')}`;
    const rows = readFileSync('/proc/net/udp', 'latin1').split('\n').slice(1);
    return rows
      .map((row) => row.trim().split(/\s+/))
      .filter(([, , remote]) => remote === miAddress)
      .map(([, local = '']) => Number.parseInt(local.split(':')[1] ?? '', 16));
  } catch {
    return [];
  }
}

/** Returns an event about the end of a dialog, as OpenSIPS would send it. */
export function forgeEndEvent(callid: string): string {
  const params = { id: 'x', callid, to_tag: 'x', old_state: 4, new_state: 5 };
  return JSON.stringify({ jsonrpc: '2.0', method: 'E_DLG_STATE_CHANGED', params });
}

/** Datagrams that are not valid events. */
export const invalidDatagram: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 1_400 }),
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.jsonValue().map((value) => JSON.stringify(value)),
  fc
    .record({
      jsonrpc: fc.constant('2.0'),
      id: fc.option(fc.integer()),
      method: fc.constantFrom(
        ...['E_CALL_TRANSFER', 'E_CALL_HOLD', 'E_DLG_STATE_CHANGED', 'E_CALL_REFUSED', 'E_CALL_BYE'],
        ...['kill', '__proto__'],
      ),
      params: fc.jsonValue({ maxDepth: 2 }),
      result: fc.jsonValue({ maxDepth: 1 }),
    })
    .map((value) => JSON.stringify(value)),
  fc.constantFrom('', '{', '['.repeat(60_000), '400 Parse_error', '{"jsonrpc":"2.0"}', '\0\0\0'),
);
