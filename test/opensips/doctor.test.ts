/** `call-api` and its doctor with a real OpenSIPS and SIP phones, through an edge and directly. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../cli/run.ts';
import { OpenSipsHarness } from './harness.ts';
import { findOpenSips } from './opensips.ts';

describe.skipIf(!findOpenSips())('a real OpenSIPS (needs the command opensips on the PATH)', () => {
  let harness: OpenSipsHarness;
  let connectionFlags: Record<'edge' | 'direct', string[]>;
  beforeAll(async () => {
    harness = await OpenSipsHarness.open();
    const { mi, sip } = harness.opensips;
    connectionFlags = {
      edge: ['--url', `ws://127.0.0.1:${harness.port}`],
      direct: ['--direct', `${mi.host}:${mi.port}`, '--next-hop', `sip:${sip.host}:${sip.port}`],
    };
  }, 60_000);
  afterEach(() => harness.opensips.assertAlive());
  afterAll(() => harness[Symbol.asyncDispose]());

  it.each(['edge', 'direct'] as const)('doctor finds no problem (%s)', async (connection) => {
    const phone = await harness.openPhone();
    const { exit, out } = await run(['doctor', ...connectionFlags[connection], '--test-address', phone.uri]);
    expect(out).toContain('✓ events');
    expect(out).toContain('✓ loop');
    expect(out).not.toMatch(/[✗·]/);
    expect(exit).toBe(0);
  });

  it.each(['edge', 'direct'] as const)(
    'doctor verifies the loop although the script refuses the test address (%s)',
    async (connection) => {
      const { exit, out } = await run([
        'doctor',
        ...connectionFlags[connection],
        '--test-address',
        harness.unregisteredUri,
      ]);
      expect(out).toMatch(/✓ loop .*404 Not Found/);
      expect(exit).toBe(0);
    },
  );

  it('doctor reports a next hop that is not OpenSIPS', async () => {
    const phone = await harness.openPhone();
    // Nothing listens at port 9.
    const { exit, out } = await run([
      'doctor',
      ...connectionFlags.direct,
      '--next-hop',
      'sip:127.0.0.1:9',
      '--test-address',
      phone.uri,
    ]);
    expect(out).toMatch(/✗ loop/);
    expect(out).toContain('SIP_NEXT_HOP');
    expect(exit).toBe(1);
  });

  it.each(['edge', 'direct'] as const)('starts, holds, lists and ends a call (%s)', async (connection) => {
    const flags = connectionFlags[connection];
    const [alice, bob] = [await harness.openPhone(), await harness.openPhone()];
    const start = await run(['start', alice.uri, bob.uri, ...flags]);
    const [, callid = ''] = /the call is (\S+)/.exec(start.out) ?? [];
    const hold = await run(['hold', callid, ...flags]);
    const list = await run(['list', ...flags]);
    expect(list.out).toContain(callid);
    const end = await run(['end', callid, ...flags]);
    expect(await harness.opensips.isDialogActive(callid)).toBe(false);
    expect([start, hold, list, end].map(({ exit }) => exit)).toEqual([0, 0, 0, 0]);
  });
});
