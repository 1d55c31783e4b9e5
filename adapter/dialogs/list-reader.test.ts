import { expect, it } from 'vitest';
import type { MiResponse } from '../opensips/mi-message.ts';
import { ListReader } from './list-reader.ts';

const dialogOf = (n: number) => ({
  ID: `${n}`,
  callid: `call ${n}`,
  state: 4,
  timestart: 0,
  from_uri: 'sip:a@b',
  to_uri: 'sip:b@a',
  caller_sent_sdp: 'v=0'.padEnd(1_000, 'x'),
});

/** An OpenSIPS with these dialogs, and how it was asked. */
function openSips(dialogs: object[]) {
  const pages: number[] = [];
  const held: (() => void)[] = [];
  let isHeld = false;
  const readPage = async (index: number, counter: number): Promise<MiResponse> => {
    pages.push(index);
    if (isHeld) await new Promise<void>((resolve) => held.push(resolve));
    return { result: { count: dialogs.length, Dialogs: dialogs.slice(index, index + counter) } };
  };
  return {
    dialogs,
    pages,
    readPage,
    hold: () => (isHeld = true),
    release: () => {
      for (const each of held.splice(0)) each();
    },
  };
}

const changesOf = (response: MiResponse) => ('result' in response ? response.result : response);

it('reads the list when it is asked for a fresh one, with the used fields only, and not when more of it is asked for', async () => {
  const { pages, readPage, dialogs } = openSips(Array.from({ length: 30 }, (_, n) => dialogOf(n)));
  const reader = new ListReader(readPage);
  const whole = changesOf(await reader.changes({ after: 0, fresh: 1 }));
  expect(whole).toMatchObject({ upto: 30, whole: true, more: false, complete: true });
  expect(JSON.stringify(whole)).not.toContain('sdp');
  const read = pages.length;
  expect(changesOf(await reader.changes({ after: 30, fresh: 0 }))).toMatchObject({ dialogs: [], gone: [] });
  expect(pages).toHaveLength(read);
  dialogs.splice(4, 1);
  expect(changesOf(await reader.changes({ after: 30, fresh: 1 }))).toMatchObject({
    dialogs: [],
    gone: ['call 4'],
  });
});

it('shares a pass among those who ask before it begins, and begins another one for those who ask later', async () => {
  const { readPage, pages, hold, release } = openSips([dialogOf(1)]);
  const reader = new ListReader(readPage);
  hold();
  const first = reader.changes({ after: 0, fresh: 1 });
  await expect.poll(() => pages.length).toBe(1);
  const later = [reader.changes({ after: 0, fresh: 1 }), reader.changes({ after: 0, fresh: 1 })];
  release();
  await first;
  await expect.poll(() => pages.length).toBe(2);
  release();
  await Promise.all(later);
  expect(pages).toHaveLength(2);
});

it.each([
  ['OpenSIPS does not reply', async (): Promise<MiResponse> => ({ outcome: 'timeout' })],
  [
    'a dialog is in an unknown form',
    async (): Promise<MiResponse> => ({ result: { Dialogs: [{ ID: '1', callid: 'call 1', state: 4 }] } }),
  ],
])('reports nothing as gone if %s', async (_, readPage) => {
  const good = openSips([dialogOf(1)]);
  let read = good.readPage;
  const reader = new ListReader((index, counter) => read(index, counter));
  await reader.changes({ after: 0, fresh: 1 });
  read = readPage;
  expect(changesOf(await reader.changes({ after: 1, fresh: 1 }))).toMatchObject({
    complete: false,
    dialogs: [],
    gone: [],
  });
});
