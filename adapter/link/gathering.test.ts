/** Which messages share a frame, through real sockets. */
import { describe, expect, it } from 'vitest';
import type { FakeEdge } from '../testing/fake-edge.ts';
import { createHarness, LINK_MODES, ringingDialog, storedCallids } from '../testing/harness.ts';

/** Returns the sequence numbers in each frame that has any. */
const seqsByFrame = (edge: FakeEdge) =>
  edge.frames
    .map((text) => ([JSON.parse(text)].flat() as { readonly seq?: number }[]).flatMap(({ seq }) => seq ?? []))
    .filter((seqs) => seqs.length > 0);

describe.each(LINK_MODES)('an edge that tells what it waits for (%s)', (mode) => {
  it('gets what nobody waits for together with the next message that is waited for, in order', async () => {
    const { edge, opensips, log, start } = await createHarness(mode);
    edge.welcomeFields = { features: ['interest'] };
    start({}, { timing: { maxUnawaitedMs: 60_000 } });
    await log.waitFor(() => log.find('Connected to the edge'));
    edge.send({ type: 'interest', all: false, add: ['ours'] });
    // The reply proves that the adapter has read what was sent before it.
    edge.sendRequest({ id: 'x', method: 'kill' });
    await edge.waitFor(() => edge.replies()[0]);
    for (const callid of ['a', 'b', 'c', 'ours'])
      opensips.raiseEvent('E_DLG_STATE_CHANGED', ringingDialog(callid));
    await edge.waitFor(() => storedCallids(edge).includes('ours'));
    expect(storedCallids(edge)).toEqual(['a', 'b', 'c', 'ours']);
    expect(seqsByFrame(edge)).toEqual([[1], [2, 3, 4, 5]]);
  });

  it('gets it without another message as well', async () => {
    const { edge, opensips, log, start } = await createHarness(mode);
    edge.welcomeFields = { features: ['interest'] };
    start();
    await log.waitFor(() => log.find('Connected to the edge'));
    edge.send({ type: 'interest', all: false });
    edge.sendRequest({ id: 'x', method: 'kill', may_wait: true });
    await edge.waitFor(() => edge.replies()[0]);
    opensips.raiseEvent('E_DLG_STATE_CHANGED', ringingDialog('a'));
    await edge.waitFor(() => storedCallids(edge).includes('a'));
  });
});
