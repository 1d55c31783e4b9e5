/** `call-api` and its doctor at a real OpenSIPS with SIP phones, through an edge and without one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../cli/run.ts';
import { findOpenSips } from './opensips.ts';
import { World } from './world.ts';

describe.skipIf(!findOpenSips())('a real OpenSIPS (needs the command opensips on the PATH)', () => {
  let world: World;
  let ways: Record<'edge' | 'direct', string[]>;
  beforeAll(async () => {
    world = await World.open();
    const { mi, sip } = world.opensips;
    ways = {
      edge: ['--url', `ws://127.0.0.1:${world.port}`],
      direct: ['--direct', `${mi.host}:${mi.port}`, '--next-hop', `sip:${sip.host}:${sip.port}`],
    };
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it.each(['edge', 'direct'] as const)('doctor finds all well, by %s', async (way) => {
    const phone = await world.phone();
    const { exit, out } = await run(['doctor', ...ways[way], '--test-address', phone.uri]);
    expect(out).toContain('✓ events');
    expect(out).toContain('✓ loop');
    expect(out).not.toMatch(/[✗·]/);
    expect(exit).toBe(0);
  });

  it.each(['edge', 'direct'] as const)(
    'the script refuses the test address, by %s: the loop is shown',
    async (way) => {
      const { exit, out } = await run(['doctor', ...ways[way], '--test-address', world.nobody]);
      expect(out).toMatch(/✓ loop .*404 Not Found/);
      expect(exit).toBe(0);
    },
  );

  it('where the next hop is not OpenSIPS, doctor says so', async () => {
    const phone = await world.phone();
    // Nothing listens there.
    const { exit, out } = await run([
      'doctor',
      ...ways.direct,
      '--next-hop',
      'sip:127.0.0.1:9',
      '--test-address',
      phone.uri,
    ]);
    expect(out).toMatch(/✗ loop/);
    expect(out).toContain('SIP_NEXT_HOP');
    expect(exit).toBe(1);
  });

  it.each(['edge', 'direct'] as const)('a call is begun, held, listed and ended, by %s', async (way) => {
    const [alice, bob] = [await world.phone(), await world.phone()];
    const start = await run(['start', alice.uri, bob.uri, ...ways[way]]);
    const [, callid = ''] = /the call is (\S+)/.exec(start.out) ?? [];
    const hold = await run(['hold', callid, ...ways[way]]);
    const list = await run(['list', ...ways[way]]);
    expect(list.out).toContain(callid);
    const end = await run(['end', callid, ...ways[way]]);
    expect(await world.opensips.stands(callid)).toBe(false);
    expect([start, hold, list, end].map(({ exit }) => exit)).toEqual([0, 0, 0, 0]);
  });
});
