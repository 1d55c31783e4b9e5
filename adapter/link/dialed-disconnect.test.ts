import { expect, it } from 'vitest';
import { summarizeDialedDisconnect } from './dialed-disconnect.ts';
import type { DisconnectReason } from './disconnect-reason.ts';

it.each<[DisconnectReason, string, RegExp]>([
  [{ by: 'close', code: 1000, reason: 'Nobody needs the link.' }, 'info', /1000: Nobody needs.*dials again/],
  [{ by: 'close', code: 1001, reason: '' }, 'info', /\(code 1001\)/],
  [{ by: 'close', code: 1006, reason: '' }, 'warn', /\(code 1006\)/],
  [
    { by: 'close', code: 4401, reason: '' },
    'error',
    /rejected the adapter key.*ADAPTER_PUBLIC_URL.*ADAPTER_KEY/,
  ],
  [{ by: 'close', code: 4400, reason: '' }, 'error', /do not understand each other/],
  [
    { by: 'close', code: 4406, reason: 'Update the edge to 0.4.0.' },
    'error',
    /Update the edge to 0\.4\.0\.$/,
  ],
  [{ by: 'close', code: 4408, reason: '' }, 'error', /same name.*ADAPTER_NAME/],
  [{ by: 'close', code: 4409, reason: '' }, 'error', /This site has as many adapters/],
  [
    { by: 'network', wasConnected: true, reason: 'no message for 25 s' },
    'warn',
    /^The link was lost: no message for 25 s\. The edge dials again/,
  ],
])('%j', (reason, level, message) => {
  expect(summarizeDialedDisconnect(reason)).toEqual({ level, message: expect.stringMatching(message) });
});
