/** Tokens, by a clock that stands until it is told to go on. */
import { expect, it } from 'vitest';
import { Tokens } from './tokens.ts';

/** A JWT that holds for so many seconds from 0. */
const jwt = (name: string, seconds: number) =>
  `e30.${btoa(JSON.stringify({ exp: seconds })).replaceAll('=', '')}.${name}`;

function world(getToken?: () => Promise<string>, token?: string) {
  let now = 0;
  let timer: { readonly at: number; readonly callback: () => void } | undefined;
  const outside = {
    now: () => now,
    random: () => 0.5,
    after: (ms: number, callback: () => void) => {
      const mine = { at: now + ms, callback };
      timer = mine;
      return () => {
        if (timer === mine) timer = undefined;
      };
    },
  };
  return {
    tokens: new Tokens({ token, getToken }, outside),
    due: () => timer?.at,
    /** The clock goes on to the timer, and what it asks for comes. */
    async ring() {
      const due = timer;
      if (!due) throw new Error('no timer');
      timer = undefined;
      now = due.at;
      due.callback();
      for (let n = 0; n < 5; n++) await null;
    },
  };
}

it('a fresh one is got when 60 to 80 % of the time is over, and again for that one', async () => {
  const left = [jwt('a', 1_000), jwt('b', 2_000), jwt('c', 3_000)];
  const { tokens, due, ring } = world(async () => left.shift() ?? 'none');
  expect(await tokens.take()).toBe(jwt('a', 1_000));
  const given: string[] = [];
  tokens.renew((token) => given.push(token));
  expect(due()).toBe(700_000);
  await ring();
  expect(given).toEqual([jwt('b', 2_000)]);
  expect(due()).toBe(700_000 + 0.7 * 1_300_000);
  await ring();
  expect(tokens.take()).toBe(jwt('c', 3_000));
});

it('a source that fails is asked again while the token holds, and not more often than each second', async () => {
  let asked = 0;
  const { tokens, due, ring } = world(async () => {
    if (++asked > 1) throw new Error('away');
    return jwt('a', 10);
  });
  await tokens.take();
  tokens.renew(() => expect.unreachable());
  const rung: number[] = [];
  for (let at = due(); at !== undefined; at = due()) {
    rung.push(at);
    await ring();
  }
  expect(rung).toEqual([7_000, 9_100, 10_100]);
  await expect(tokens.take()).rejects.toThrow('away');
});

it('one without an expiry that can be read is not renewed, nor one that nobody can replace', async () => {
  for (const { tokens, due } of [world(async () => 'ca.k1.key'), world(undefined, jwt('a', 10))]) {
    await tokens.take();
    tokens.renew(() => expect.unreachable());
    expect(due()).toBeUndefined();
  }
});

it('what cannot be sent as a token is not one', async () => {
  await expect(world(async () => 'two words').tokens.take()).rejects.toThrow('getToken gave no token');
});
