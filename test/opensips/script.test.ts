/** `docs/opensips.cfg` with phones alone: passwords, NOTIFYs, its own events, and the scripts that other tests run. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually, expectCalls } from './assertions.ts';
import { findOpenSips, type OpenSips, startOpenSips } from './opensips.ts';
import { Phone, type PhoneOptions } from './phone.ts';
import type { BehaviorName } from './phone-behavior.ts';
import type { ScriptOptions } from './script.ts';

/** OpenSIPS uses 127.0.0.1, so a phone here counts as one on another machine. */
const OTHER_MACHINE = '127.0.0.2';

/** Opens OpenSIPS with phones, without an edge. */
async function openLab(options: ScriptOptions = {}) {
  const resources = new AsyncDisposableStack();
  const opensips = resources.use(await startOpenSips(options));
  let count = 0;
  return {
    opensips,
    async openPhone(behavior: BehaviorName = 'keep', more: Partial<PhoneOptions> = {}): Promise<Phone> {
      count += 1;
      const { sip: registrar, transport } = opensips;
      const phone = { user: `${behavior}.${count}`, behavior, registrar, transport, ...more };
      return resources.use(await Phone.open(phone));
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Returns the events of the script that one call has raised, in their order. */
const eventsOf = ({ scriptEvents }: OpenSips, callid: string) =>
  scriptEvents.flatMap(({ method, params }) => (params['callid'] === callid ? [{ method, params }] : []));

describe.skipIf(!findOpenSips())('a real OpenSIPS (needs the command opensips on the PATH)', () => {
  type Lab = Awaited<ReturnType<typeof openLab>>;
  let lab: Lab;
  beforeAll(async () => {
    lab = await openLab({ passwords: { remote: 'correct', other: 'also correct' } });
  }, 60_000);
  afterEach(() => lab.opensips.assertAlive());
  afterAll(() => lab[Symbol.asyncDispose]());
  const uriOf = (user: string) => `sip:${user}@${lab.opensips.sip.host}:${lab.opensips.sip.port}`;

  describe('authentication', () => {
    const openRemote = (user: string, password?: string) =>
      lab.openPhone('keep', {
        user,
        host: OTHER_MACHINE,
        ...(password !== undefined && { password }),
      });

    it('lets a phone with the right password register and call, and shows nobody its credentials', async () => {
      const [remote, alice] = [await openRemote('remote', 'correct'), await lab.openPhone()];
      expect((await remote.dial(alice.uri)).status).toBe('200 OK');
      expect(alice.receivedInvites.flatMap(({ headers }) => headers.map(([name]) => name))).not.toContain(
        'proxy-authorization',
      );
    });

    it('answers the challenge of a gateway behind it as well', async () => {
      const [remote, gateway] = [await openRemote('remote', 'correct'), await lab.openPhone('gw')];
      expect((await remote.dial(gateway.uri)).status).toBe('200 OK');
    });

    it.each([
      ['a wrong password', 'remote', 'wrong', '403 Forbidden'],
      ['no password', 'remote', undefined, '401 Unauthorized'],
      ['an unknown user', 'stranger', 'correct', '403 Forbidden'],
      ['an unknown user without a password', 'stranger', undefined, '401 Unauthorized'],
    ])('refuses a phone with %s', async (_, user, password, status) => {
      await expect(openRemote(user, password)).rejects.toThrow(status);
    });

    it('creates one dialog for a call that was challenged', async () => {
      const [remote, alice] = [await openRemote('remote', 'correct'), await lab.openPhone()];
      const { callid } = await remote.dial(alice.uri);
      const { result } = await lab.opensips.requestMi('dlg_list', {});
      const calls = JSON.stringify(result).split(`"${callid}"`).length - 1;
      expect(calls).toBe(1);
    });
  });

  describe('events', () => {
    it('names the status and the transferred call if the script refuses an INVITE', async () => {
      const alice = await lab.openPhone();
      const plain = await alice.dial(uriOf('nobody'));
      const transferred = await alice.dial(`${uriOf('nobody')};osid=3c7.21`);
      const refused = { method: 'E_CALL_REFUSED', params: { osid: '', status: '404 Not Found' } };
      await eventually(() => {
        expect(eventsOf(lab.opensips, plain.callid)).toMatchObject([refused]);
        expect(eventsOf(lab.opensips, transferred.callid)).toMatchObject([
          { ...refused, params: { osid: '3c7.21', status: '404 Not Found' } },
        ]);
      });
    });

    it.each(['caller', 'callee'] as const)('names the %s who hangs up', async (leg) => {
      const [alice, bob] = [await lab.openPhone(), await lab.openPhone()];
      const { callid } = await alice.dial(bob.uri);
      (leg === 'caller' ? alice : bob).hangUp(callid);
      await expectCalls(alice);
      await expectCalls(bob);
      await eventually(() =>
        expect(eventsOf(lab.opensips, callid)).toEqual([{ method: 'E_CALL_BYE', params: { callid, leg } }]),
      );
    });
  });

  describe('a NOTIFY', () => {
    it('of a transfer by call_transfer is answered by OpenSIPS', async () => {
      const [alice, bob] = [await lab.openPhone(), await lab.openPhone('progress')];
      const busy = await lab.openPhone('busy');
      const { callid } = await alice.dial(bob.uri);
      const params = { callid, leg: 'callee', destination: busy.uri };
      expect(await lab.opensips.requestMi('call_transfer', params)).toMatchObject({ result: 'Accepted' });
      // callops knows no new call yet when the first one arrives, and answers 480.
      await eventually(() => expect(bob.notifyStatuses).toHaveLength(3));
      expect(bob.notifyStatuses.slice(1)).toEqual([200, 200]);
      expect(alice.receivedNotifies).toEqual([]);
      await expectCalls(alice, callid);
    });

    it('of a transfer by dlg_send_sequential is answered by OpenSIPS', async ({ skip }) => {
      const [alice, bob] = [await lab.openPhone(), await lab.openPhone('progress')];
      const busy = await lab.openPhone('busy');
      const { callid } = await alice.dial(bob.uri);
      const { result, error } = await lab.opensips.requestMi('dlg_send_sequential', {
        callid,
        method: 'REFER',
        mode: 'callee',
        body: 'none',
        headers: `Refer-To: <${busy.uri}>\r\n`,
      });
      skip(error?.code === -32602, 'OpenSIPS 3.4 has no param "headers"');
      expect(result).toEqual({ Code: 202, Reason: 'Accepted' });
      await eventually(() => expect(bob.notifyStatuses).toEqual([200, 200, 200]));
      expect(alice.receivedNotifies).toEqual([]);
      await expectCalls(alice, callid);
      await expectCalls(bob, callid);
    });
  });

  it('answers what the caller’s phone sends in the first leg of a CallStart', async () => {
    const alice = await lab.openPhone();
    const { nextHop } = lab.opensips;
    const headers = [
      `From: <${uriOf('bob')}>;tag=first-leg`,
      `To: <${alice.uri}>`,
      `Contact: <sip:call-api@${nextHop.slice('sip:'.length)}>`,
      'Call-ID: first-leg',
      'CSeq: 1 INVITE',
      '',
    ];
    const params = { method: 'INVITE', ruri: alice.uri, next_hop: nextHop, headers: headers.join('\r\n') };
    expect(await lab.opensips.requestMi('t_uac_dlg', params)).toMatchObject({ result: { Status: '200 OK' } });
    await expectCalls(alice, 'first-leg');
    // There is no media to hold, and nobody to transfer.
    expect(await alice.hold('first-leg')).toBe(488);
    expect(await alice.transfer('first-leg', uriOf('bob'))).toEqual({ status: 488, notified: [] });
    alice.hangUp('first-leg');
    await expectCalls(alice);
    // OpenSIPS is the caller of this leg, so its callee is the phone.
    await eventually(() =>
      expect(eventsOf(lab.opensips, 'first-leg')).toMatchObject([{ params: { leg: 'callee' } }]),
    );
  });

  it('reports hold and resume by a phone’s own key to the other phone', async () => {
    const [alice, bob] = [await lab.openPhone(), await lab.openPhone()];
    const { callid } = await alice.dial(bob.uri);
    expect(await alice.hold(callid)).toBe(200);
    expect(bob.isHeld(callid)).toBe(true);
    expect(await alice.resume(callid)).toBe(200);
    expect(bob.receivedOffers).toMatchObject([
      { callid, direction: 'sendrecv', version: '1' },
      { callid, direction: 'sendonly', version: '2' },
      { callid, direction: 'sendrecv', version: '3' },
    ]);
  });

  it('ends a call of a phone that goes on after a redirection and a challenge', async () => {
    const [alice, redirecting] = [await lab.openPhone('follow'), await lab.openPhone('redir')];
    const gateway = await lab.openPhone('gw');
    redirecting.redirectTarget = gateway.uri;
    const { callid, status } = await alice.dial(redirecting.uri);
    expect(status).toBe('200 OK');
    await expectCalls(gateway, callid);
    expect(gateway.receivedInvites.map(({ cseq }) => cseq)).toEqual([2, 3]);
  });

  it('reports 408 for a frozen phone, which can be called again when it is back', async () => {
    const [alice, bob] = [await lab.openPhone(), await lab.openPhone()];
    bob.freeze();
    expect((await alice.dial(bob.uri)).status).toBe('408 Request Timeout');
    bob.thaw();
    expect((await alice.dial(bob.uri)).status).toBe('200 OK');
  });

  describe.concurrent('runs with', () => {
    it.each<[string, ScriptOptions]>([
      ['TCP alone', { transport: 'tcp' }],
      ['MI on IPv6', { mi: 'ipv6' }],
      ['topology hiding', { hidesTopology: true }],
      ['no events of its own', { events: false }],
      ['another parameter for callops', { matchParam: 'ref' }],
      ['pinging by OPTIONS', { pings: 'options' }],
      ['pinging by re-INVITE', { pings: 'reinvite' }],
    ])('%s', async (_, options) => {
      await using changed = await openLab(options);
      const [alice, bob] = [await changed.openPhone(), await changed.openPhone()];
      const carol = await changed.openPhone();
      const { callid, status } = await alice.dial(bob.uri);
      expect(status).toBe('200 OK');
      expect(await changed.opensips.isDialogActive(callid)).toBe(true);
      expect(await alice.transfer(callid, carol.uri)).toEqual({ status: 202, notified: ['200 OK'] });
      await expectCalls(alice);
      const subscription = { event: 'E_CALL_BYE', socket: 'udp:127.0.0.1:9', expire: 1 };
      const { error } = await changed.opensips.requestMi('event_subscribe', subscription);
      expect(error?.code).toBe(options.events === false ? 400 : undefined);
      changed.opensips.assertAlive();
    });

    it('a longest time of a call, after which both phones are idle', async () => {
      await using changed = await openLab({ dialogTimeout: 1 });
      const [alice, bob] = [await changed.openPhone(), await changed.openPhone()];
      expect((await alice.dial(bob.uri)).status).toBe('200 OK');
      await expectCalls(alice);
      await expectCalls(bob);
    });

    it('two dialogs for one call if the script challenges too late', async () => {
      await using changed = await openLab({ challengesLate: true });
      const [alice, bob] = [await changed.openPhone('follow'), await changed.openPhone()];
      const { callid } = await alice.dial(bob.uri);
      const { result } = await changed.opensips.requestMi('dlg_list', {});
      expect(JSON.stringify(result).split(`"${callid}"`).length - 1).toBe(2);
    });
  });
});
