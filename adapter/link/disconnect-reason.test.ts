import { describe, expect, it } from 'vitest';
import { type DisconnectReason, summarizeDisconnect } from './disconnect-reason.ts';

describe('the summary of a disconnect', () => {
  it.each<[DisconnectReason, RegExp]>([
    [{ by: 'http', status: 401 }, /ADAPTER_KEY/],
    [{ by: 'http', status: 403 }, /ADAPTER_KEY/],
    [{ by: 'http', status: 404 }, /EDGE_URL/],
    [{ by: 'close', code: 4409, reason: '' }, /another adapter serves this site/],
    [{ by: 'close', code: 4408, reason: '' }, /ADAPTER_NAME/],
    [{ by: 'close', code: 4406, reason: '' }, /update the adapter/],
    [{ by: 'close', code: 4400, reason: '' }, /update both/],
  ])('%j asks the operator to act', (reason, message) => {
    expect(summarizeDisconnect(reason)).toEqual({
      message: expect.stringMatching(message),
      needsOperator: true,
    });
  });

  it.each<[DisconnectReason, RegExp]>([
    [{ by: 'http', status: 503 }, /HTTP 503/],
    [{ by: 'close', code: 1006, reason: '' }, /closed \(1006\)/],
    [{ by: 'close', code: 1001, reason: 'deploy' }, /closed \(1001: deploy\)/],
    [{ by: 'network', message: 'getaddrinfo ENOTFOUND edge' }, /ENOTFOUND/],
  ])('%j needs no operator', (reason, message) => {
    expect(summarizeDisconnect(reason)).toEqual({
      message: expect.stringMatching(message),
      needsOperator: false,
    });
  });
});
