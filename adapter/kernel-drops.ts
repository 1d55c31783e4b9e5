/**
 * Events that the kernel dropped because our socket's buffer was full. EVI never tells; Linux counts them.
 * @module
 */

/**
 * How many datagrams were dropped at the UDP port, by the text of `/proc/net/udp` (proc_net_udp, kernel
 * documentation): the local address stands in column 2 as hexadecimal `ADDRESS:PORT`, the drops in the last.
 */
export function droppedAt(port: number, procNetUdp: string): number {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let dropped = 0;
  for (const line of procNetUdp.split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/);
    if (columns[1]?.endsWith(suffix)) dropped += Number(columns.at(-1)) || 0;
  }
  return dropped;
}
