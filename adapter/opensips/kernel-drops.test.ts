import { describe, expect, it } from 'vitest';
import { countDroppedDatagrams } from './kernel-drops.ts';

const PROC_NET_UDP = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  411: 0100007F:13C5 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 92043 2 0000000000000000 7
  412: 0100007F:1F90 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 92044 2 0000000000000000 12
`;

describe('the number of datagrams dropped by the kernel', () => {
  it.each([
    [5061, 7],
    [8080, 12],
    [5062, 0],
  ])('at port %i is %i', (port, drops) => {
    expect(countDroppedDatagrams(port, PROC_NET_UDP)).toBe(drops);
  });

  it('is zero if the file has another format', () => {
    expect(countDroppedDatagrams(5061, '')).toBe(0);
    expect(countDroppedDatagrams(5061, 'x\n a b:13C5')).toBe(0);
  });
});
