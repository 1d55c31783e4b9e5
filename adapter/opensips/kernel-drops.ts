/**
 * Counts the events that the kernel dropped because the socket's receive buffer was full. EVI does not report them; Linux
 * counts them.
 * @module
 */

/**
 * Returns how many datagrams the kernel dropped at a UDP port.
 * @param procNetUdp the text of `/proc/net/udp` (proc_net_udp, kernel documentation): column 2 is the local address as
 *   hexadecimal `ADDRESS:PORT`, the last column the number of drops
 */
export function countDroppedDatagrams(port: number, procNetUdp: string): number {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let dropped = 0;
  for (const line of procNetUdp.split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/);
    if (columns[1]?.endsWith(suffix)) dropped += Number(columns.at(-1)) || 0;
  }
  return dropped;
}
