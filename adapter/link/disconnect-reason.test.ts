import { describe, expect, it } from 'vitest';
import { type DisconnectReason, summarizeDisconnect } from './disconnect-reason.ts';

describe('the summary of a disconnect', () => {
  it.each<[DisconnectReason, RegExp]>([
    [{ by: 'http', status: 200 }, /HTTP 200 instead of opening a WebSocket.*EDGE_URL.*\/adapter/],
    [{ by: 'http', status: 301 }, /redirects.*EDGE_URL/],
    [{ by: 'http', status: 400 }, /HTTP 400.*EDGE_URL/],
    [{ by: 'http', status: 401 }, /ADAPTER_KEY/],
    [{ by: 'http', status: 403 }, /ADAPTER_KEY/],
    [{ by: 'http', status: 404 }, /EDGE_URL/],
    [{ by: 'http', status: 426 }, /proxy.*Upgrade/],
    [{ by: 'close', code: 4409, reason: '' }, /This site has as many adapters/],
    [{ by: 'close', code: 4408, reason: '' }, /ADAPTER_NAME/],
    [{ by: 'close', code: 4406, reason: '' }, /Update both to the same release/],
    [
      { by: 'close', code: 4406, reason: 'Update the edge to 0.4.0.' },
      /in common\. Update the edge to 0\.4\.0\.$/,
    ],
    [{ by: 'close', code: 4400, reason: '' }, /update both/],
  ])('%j asks the operator to act', (reason, message) => {
    expect(summarizeDisconnect(reason)).toEqual({
      message: expect.stringMatching(message),
      needsOperator: true,
    });
  });

  it.each<[DisconnectReason, RegExp]>([
    [{ by: 'http', status: 429 }, /HTTP 429/],
    [{ by: 'http', status: 503 }, /HTTP 503/],
    [{ by: 'close', code: 1006, reason: '' }, /was lost/],
    [{ by: 'close', code: 1001, reason: 'deploy' }, /code 1001: deploy/],
    [{ by: 'close', code: 4401, reason: '' }, /revoked.*ADAPTER_KEY/],
    [
      { by: 'network', wasConnected: false, reason: 'connection refused' },
      /^Cannot connect to the edge: connection refused\. Check --edge \(EDGE_URL\)/,
    ],
    [
      { by: 'network', wasConnected: false, reason: 'it is self-signed', remedy: 'Replace it.' },
      /^Cannot connect to the edge: it is self-signed\. Replace it\.$/,
    ],
    [
      { by: 'network', wasConnected: true, reason: 'no message for 25 s' },
      /^The connection to the edge was lost: no message for 25 s\./,
    ],
  ])('%j needs no operator', (reason, message) => {
    expect(summarizeDisconnect(reason)).toEqual({
      message: expect.stringMatching(message),
      needsOperator: false,
    });
  });
});
