/** `call-api` and its doctor with a real OpenSIPS and SIP phones, through an edge and directly. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../cli/run.ts';
import { OpenSipsHarness } from './harness.ts';
import { findOpenSips, type OpenSips, startOpenSips } from './opensips.ts';
import type { ScriptOptions } from './script.ts';

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

  it('doctor finds a phone that refuses transfers', async () => {
    const phone = await harness.openPhone('norefer');
    const { exit, out } = await run(['doctor', ...connectionFlags.direct, '--test-address', phone.uri]);
    expect(out).toMatch(/✗ phone .*REFER/);
    expect(out.match(/✗/g)).toHaveLength(1);
    expect(exit).toBe(1);
  });

  it('doctor leaves no call and no registration of its own', async () => {
    await run(['doctor', ...connectionFlags.direct]);
    const { result: calls } = await harness.opensips.requestMi('dlg_list', {});
    const { Dialogs: dialogs } = calls as { readonly Dialogs: readonly { readonly state: number }[] };
    expect(dialogs.filter(({ state }) => state < 5)).toEqual([]);
    const { result: registrations } = await harness.opensips.requestMi('ul_dump', {});
    expect(JSON.stringify(registrations)).not.toContain('call-api-doctor');
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

  describe.concurrent('doctor finds the trap in a script', () => {
    it.each<[string, ScriptOptions, string[]]>([
      ['that asks for the password too late', { challengesLate: true }, ['challenge']],
      ['that swallows every NOTIFY', { swallowsNotify: true }, ['notify']],
      ['that relays what is sent to OpenSIPS itself', { relaysToItself: true }, ['first leg']],
      ['that makes no dialog', { hasNoDialog: true }, ['loop']],
      ['that pings by OPTIONS', { pings: 'options' }, ['pinging']],
      ['that pings by re-INVITE', { pings: 'reinvite' }, ['pinging']],
    ])('%s', async (_, options, expected) => {
      await using opensips = await startOpenSips(options);
      const { exit, faults } = await checkScript(opensips);
      expect(faults).toEqual(expected);
      expect(exit).toBe(1);
      opensips.assertAlive();
    });

    it('that relays each NOTIFY, where OpenSIPS can send a REFER', async () => {
      await using opensips = await startOpenSips({ relaysNotify: true });
      const { faults, engine } = await checkScript(opensips);
      expect(faults).toEqual(engine.includes('cannot send REFER') ? [] : ['notify']);
    });

    it('and reaches no phone of its own over TCP', async () => {
      await using opensips = await startOpenSips({ transport: 'tcp' });
      const { exit, faults } = await checkScript(opensips);
      expect(faults).toEqual([]);
      expect(exit).toBe(0);
    });
  });
});

/** Runs doctor without an edge. Returns the names of the checks that have found a fault. */
async function checkScript(opensips: OpenSips) {
  const { mi, nextHop } = opensips;
  const flags = ['--direct', `${mi.host}:${mi.port}`, '--next-hop', nextHop];
  const { exit, out } = await run(['doctor', '--json', ...flags]);
  const findings = out
    .trim()
    .split('\n')
    .map(
      (line) => JSON.parse(line) as { readonly check: string; readonly state: string; readonly says: string },
    );
  const faults = findings.flatMap(({ check, state }) => (state === 'ill' ? [check] : []));
  return { exit, faults, engine: findings.find(({ check }) => check === 'engine')?.says ?? '' };
}
