import { expect, it } from 'vitest';
import { describeLink } from './adapter.ts';

it.each([
  [{ connected: false }, 'not connected'],
  [{ connected: false, dial: { host: 'sip.example.com', state: 'idle' } }, 'dialed when it is needed'],
  [{ connected: false, dial: { host: 'sip.example.com', state: 'dialing' } }, 'not connected'],
  // An adapter of 0.2.0 does not tell its versions.
  [{ connected: true, adapter: 'sbc-1' }, 'sbc-1'],
  [
    { connected: true, adapter: 'sbc-1', adapter_version: '0.3.0', node_version: '22.1.0' },
    'sbc-1 · version 0.3.0 · Node.js 22.1.0',
  ],
  [
    {
      connected: true,
      adapter: 'sbc-1',
      adapters: [
        { adapter: 'sbc-1', role: 'active', reachable: true, seconds: 9 },
        { adapter: 'sbc-2', role: 'standby', version: '0.3.0', node: '22.1.0', reachable: true, seconds: 8 },
        { adapter: 'sbc-3', role: 'standby', reachable: false, seconds: 7 },
      ],
    },
    'sbc-1; standby: sbc-2 · version 0.3.0 · Node.js 22.1.0; standby: sbc-3 · its OpenSIPS does not answer',
  ],
])('describes the link %j', (link, text) => expect(describeLink(link)).toBe(text));
