import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it, vi } from 'vitest';
import type { EdgeMessage, MiRequest } from '../../../shared/protocol/link.ts';
import { ScriptedAdapter } from '../../testing/adapter.ts';
import { Client, type CommandNotification } from '../../testing/client.ts';
import { scenarios } from '../../testing/scenarios.ts';
import { policy, TestSite } from '../../testing/site.ts';
import { acceptSocket } from '../../testing/sockets.ts';

describe('a repeated cmd_id', () => {
  const randomCmdId = () => crypto.randomUUID();

  it('runs the command once, and sends all its notifications to the second session too', async () => {
    const cmd_id = randomCmdId();
    const adapter = await ScriptedAdapter.connect(scenarios.endOk);
    const first = await Client.connect();
    expect(await first.request('CallEnd', { callid: 'c1', cmd_id })).toMatchObject({
      result: { cmd_id, event: 'Started' },
    });
    const notifications = await first.untilEnded();
    const second = await Client.connect();
    expect(await second.request('CallEnd', { callid: 'c1', cmd_id })).toMatchObject({
      result: { cmd_id, event: 'Started', replayed: true },
    });
    expect(await second.untilEnded()).toEqual(notifications);
    expect(adapter.miRequests).toHaveLength(1);
    adapter.close();
  });

  it('is answered but sends no notification again to the session that has received them', async () => {
    const cmd_id = randomCmdId();
    const adapter = await ScriptedAdapter.connect(scenarios.endNotFound);
    const client = await Client.connect();
    await client.runStored({ cmd_id });
    expect(await client.request('CallEnd', { callid: 'none', cmd_id })).toMatchObject({
      result: { replayed: true },
    });
    expect(await client.request('Echo', {})).toMatchObject({ result: { event: 'Started' } });
    adapter.close();
  });

  it('moves a running command to the session that repeats it', async () => {
    const cmd_id = randomCmdId();
    const { promise: repeated, resolve: onRepeated } = Promise.withResolvers<void>();
    const adapter = await ScriptedAdapter.connect(scenarios.holdBoth);
    let sent = 0;
    adapter.beforeSend = async () => {
      if (++sent === 3) await repeated;
    };
    const first = await Client.connect();
    await first.request('CallHold', { callid: 'c1', cmd_id });
    const before: CommandNotification[] = [];
    while (before.length < 2)
      before.push((await first.socket.next<{ params: CommandNotification }>()).params);
    first.socket.close();
    const second = await Client.connect();
    expect(await second.request('CallHold', { callid: 'c1', cmd_id })).toMatchObject({
      result: { replayed: true },
    });
    onRepeated();
    const notifications = await second.untilEnded();
    expect(notifications.slice(0, 2)).toEqual(before);
    expect(notifications).toHaveLength(6);
    adapter.close();
  });

  it.each([
    ['other params', 'CallEnd', { callid: 'other' }],
    ['another method', 'CallHold', { callid: 'none' }],
  ])('with %s is a conflict', async (_, method, params) => {
    const cmd_id = randomCmdId();
    const adapter = await ScriptedAdapter.connect(scenarios.endNotFound);
    const client = await Client.connect();
    await client.runStored({ cmd_id });
    expect(await client.request(method, { ...params, cmd_id })).toMatchObject({ error: { code: -32004 } });
    adapter.close();
  });

  it("of '' counts as none, and each command gets a new one", async () => {
    const adapter = await ScriptedAdapter.connect(scenarios.endNotFound);
    const client = await Client.connect();
    const withoutId = { callid: 'none', cmd_id: '' };
    const first = await client.request('CallEnd', withoutId);
    await client.untilEnded();
    const second = await client.request('CallEnd', withoutId);
    expect(first).toMatchObject({ result: { cmd_id: expect.stringMatching(/./), event: 'Started' } });
    expect(second).not.toMatchObject({ result: { replayed: true } });
    adapter.close();
  });
});

it('answers an exception with an error that does not contain its text, logs it, and keeps the socket open', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(scenarios.endNotFound);
  const client = await site.client();
  await client.runStored();
  await runInDurableObject(site.object, (_, { storage }) => {
    storage.sql.exec('ALTER TABLE names_1 RENAME TO elsewhere');
  });
  const named = { callid: 'none', cmd_id: 'named' };
  const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
  const { error } = await client.request('CallEnd', named);
  expect(error).toMatchObject({ code: -32603, data: expect.stringContaining('Repeat the request') });
  expect(JSON.stringify(error)).not.toContain('names_1');
  expect(logged).toHaveBeenCalledOnce();
  await runInDurableObject(site.object, (_, { storage }) => {
    storage.sql.exec('ALTER TABLE elsewhere RENAME TO names_1');
  });
  expect((await client.request('CallEnd', named)).result).toMatchObject({ cmd_id: 'named' });
  adapter.close();
});

describe('a hold of one leg, which needs OpenSIPS 4.0', () => {
  /** Connects a client and an adapter to a new site. The test replies for that version of OpenSIPS itself. */
  async function connectWithVersion(version: string) {
    const site = new TestSite();
    const adapter = await acceptSocket(
      await site.requestSocket({ role: 'adapter', key: 'adapter-key', policy: policy() }),
    );
    const opensips = { version, next_hop: 'sip:127.0.0.1:5060', reachable: true };
    const stream = crypto.randomUUID();
    adapter.send(JSON.stringify({ type: 'hello', version: 1, adapter: 'test', stream, base: 1, opensips }));
    let seq = 0;
    return {
      client: await site.client(),
      /** Returns the next MI request of a command, and skips those of the reconciler. */
      async nextRequest(): Promise<MiRequest> {
        for (;;) {
          const frame = await adapter.next<EdgeMessage | EdgeMessage[]>();
          const request = [frame].flat().find(({ type }) => type === 'mi');
          if (request?.type === 'mi' && request.method !== 'dlg_list') return request;
        }
      },
      reply: ({ id }: MiRequest, reply: object) =>
        adapter.send(JSON.stringify({ type: 'reply', seq: ++seq, id, ...reply })),
    };
  }

  const oneLeg = { callid: 'c1', leg: 'callee' };

  it.each(['CallHold', 'CallUnhold'])('%s is sent to OpenSIPS 4.0', async (method) => {
    const { client, nextRequest, reply } = await connectWithVersion('OpenSIPS (4.0.1 (x86_64/linux))');
    expect(await client.request(method, oneLeg)).toMatchObject({ result: { event: 'Started' } });
    const request = await nextRequest();
    expect(request).toMatchObject({
      method: method === 'CallHold' ? 'call_hold' : 'call_unhold',
      params: oneLeg,
    });
    reply(request, { error: { code: 404, message: 'Dialog not found' } });
    expect(await client.untilEnded()).toMatchObject([{ data: '404 Dialog not found' }, { event: 'Ended' }]);
  });

  it.each(['CallHold', 'CallUnhold'])('%s is rejected and not sent to OpenSIPS 3.6', async (method) => {
    const { client, nextRequest, reply } = await connectWithVersion('OpenSIPS (3.6.8 (x86_64/linux))');
    expect(await client.request(method, oneLeg)).toMatchObject({
      error: {
        code: -32602,
        data: expect.stringMatching(/^leg: callops of OpenSIPS 3\.6\.8 cannot .* Use OpenSIPS 4\.0 or later/),
      },
    });
    await client.request('CallEnd', { callid: 'c2' });
    const request = await nextRequest();
    expect(request, 'the first request that reaches OpenSIPS').toMatchObject({
      method: 'dlg_end_dlg',
      params: { dialog_id: 'c2' },
    });
    reply(request, { result: 'OK' });
    await client.untilEnded();
  });
});
