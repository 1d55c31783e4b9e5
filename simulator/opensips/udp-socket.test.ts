import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { bindUdp, closeUdp } from './udp-socket.ts';

it('has no more room for what is not read yet than OpenSIPS: the default of the system', async () => {
  const other = createSocket('udp4').bind(0, '127.0.0.1');
  await once(other, 'listening');
  const socket = await bindUdp({ host: '127.0.0.1', port: 0 }, () => {});
  expect(socket.getRecvBufferSize()).toBe(other.getRecvBufferSize());
  other.close();
  await closeUdp(socket);
});
