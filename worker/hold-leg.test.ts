/** One leg alone can be held only where OpenSIPS can do so; elsewhere nothing is sent, and the client is told. */
import { expect, it } from 'vitest';
import type { FromEdge, Mi } from '../shared/link.ts';
import { policy, Site } from './testing/site.ts';
import { taken } from './testing/sockets.ts';

/** A site of its own: its client, and its bare adapter beside an OpenSIPS of this version. */
async function beside(version: string) {
  const site = new Site();
  const adapter = await taken(await site.knock({ role: 'adapter', key: 'adapter-key', policy: policy() }));
  const opensips = { version, next_hop: 'sip:127.0.0.1:5060', reachable: true };
  const hello = {
    type: 'hello',
    version: 1,
    adapter: 'test',
    stream: crypto.randomUUID(),
    base: 1,
    opensips,
  };
  adapter.send(JSON.stringify(hello));
  let seq = 0;
  return {
    client: await site.client(),
    /** The next request that a command sends to OpenSIPS; what the edge asks for itself is passed over. */
    async asked(): Promise<Mi> {
      for (;;) {
        const frame = await adapter.next<FromEdge | FromEdge[]>();
        const mi = [frame].flat().find(({ type }) => type === 'mi');
        if (mi?.type === 'mi' && mi.method !== 'dlg_list') return mi;
      }
    },
    answer: ({ id }: Mi, answer: object) =>
      adapter.send(JSON.stringify({ type: 'reply', seq: ++seq, id, ...answer })),
  };
}

const one = { callid: 'c1', leg: 'callee' };

it.each(['CallHold', 'CallUnhold'])('%s with a leg is sent on to OpenSIPS 4.0', async (method) => {
  const { client, asked, answer } = await beside('OpenSIPS (4.0.1 (x86_64/linux))');
  expect(await client.ask(method, one)).toMatchObject({ result: { event: 'Started' } });
  const mi = await asked();
  expect(mi).toMatchObject({ method: method === 'CallHold' ? 'call_hold' : 'call_unhold', params: one });
  answer(mi, { error: { code: 404, message: 'Dialog not found' } });
  expect(await client.toEnd()).toMatchObject([{ data: '404 Dialog not found' }, { event: 'Ended' }]);
});

it.each(['CallHold', 'CallUnhold'])('%s with a leg is refused beside 3.6, and not sent', async (method) => {
  const { client, asked, answer } = await beside('OpenSIPS (3.6.8 (x86_64/linux))');
  expect(await client.ask(method, one)).toMatchObject({
    error: {
      code: -32602,
      data: expect.stringMatching(/^leg: OpenSIPS 3\.6\.8 cannot .* needs 4\.0 or newer/),
    },
  });
  // What reaches OpenSIPS next is the next command: nothing came before it.
  await client.ask('CallEnd', { callid: 'c2' });
  const mi = await asked();
  expect(mi).toMatchObject({ method: 'dlg_end_dlg', params: { dialog_id: 'c2' } });
  answer(mi, { result: 'OK' });
  await client.toEnd();
});
