/** Tests the token provider with a manual clock. */
import { expect, it } from 'vitest';
import { GET_TOKEN_TIMEOUT_MS, TokenProvider } from './token-provider.ts';

/** Returns a JWT that expires at this Unix time in seconds. */
const jwt = (name: string, exp: number) => `e30.${btoa(JSON.stringify({ exp })).replaceAll('=', '')}.${name}`;

function setUp(getToken?: () => Promise<string>, token?: string) {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  const platform = {
    now: () => now,
    random: () => 0.5,
    setTimer: (ms: number, callback: () => void) => {
      const timer = { at: now + ms, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  const nextTimer = () => [...timers].sort((a, b) => a.at - b.at)[0];
  return {
    tokens: new TokenProvider({ token, getToken }, platform),
    timerAt: () => nextTimer()?.at,
    /** Advances the clock to the next timer, and waits for the token that it gets. */
    async runTimer() {
      const timer = nextTimer();
      if (!timer) throw new Error('no timer');
      timers.delete(timer);
      now = timer.at;
      timer.callback();
      for (let n = 0; n < 9; n++) await null;
    },
  };
}

it('renews a token after 60 to 80 % of its lifetime, again and again', async () => {
  const unused = [jwt('a', 1_000), jwt('b', 2_000), jwt('c', 3_000)];
  const { tokens, timerAt, runTimer } = setUp(async () => unused.shift() ?? 'none');
  expect(await tokens.get()).toBe(jwt('a', 1_000));
  const renewed: string[] = [];
  tokens.startRenewal((token) => renewed.push(token));
  expect(timerAt()).toBe(700_000);
  await runTimer();
  expect(renewed).toEqual([jwt('b', 2_000)]);
  expect(timerAt()).toBe(700_000 + 0.7 * 1_300_000);
  await runTimer();
  expect(tokens.get()).toBe(jwt('c', 3_000));
});

it('calls a failing getToken again while the token is valid, at most once a second', async () => {
  let calls = 0;
  const { tokens, timerAt, runTimer } = setUp(async () => {
    if (++calls > 1) throw new Error('down');
    return jwt('a', 10);
  });
  await tokens.get();
  tokens.startRenewal(() => expect.unreachable());
  const times: number[] = [];
  for (let at = timerAt(); at !== undefined; at = timerAt()) {
    times.push(at);
    await runTimer();
  }
  expect(times).toEqual([7_000, 9_100, 10_100]);
  await expect(tokens.get()).rejects.toThrow('down');
});

it('does not renew a token without a readable expiry, or without getToken', async () => {
  for (const { tokens, timerAt } of [setUp(async () => 'ca.k1.key'), setUp(undefined, jwt('a', 10))]) {
    await tokens.get();
    tokens.startRenewal(() => expect.unreachable());
    expect(timerAt()).toBeUndefined();
  }
});

it('rejects a token that cannot be sent', async () => {
  await expect(setUp(async () => 'two words').tokens.get()).rejects.toThrow('getToken: no token');
});

it('does not wait longer than 10 s for a token, and calls getToken again', async () => {
  let calls = 0;
  const { tokens, timerAt, runTimer } = setUp(() => {
    calls++;
    return new Promise(() => {});
  });
  for (const attempt of [1, 2]) {
    const rejected = expect(tokens.get()).rejects.toThrow('getToken: no token within 10 s');
    expect(timerAt()).toBe(attempt * GET_TOKEN_TIMEOUT_MS);
    await runTimer();
    await rejected;
    expect(calls).toBe(attempt);
  }
});

it('keeps calling getToken while a token is valid, also if it does not settle', async () => {
  let calls = 0;
  const { tokens, timerAt, runTimer } = setUp(() => {
    calls++;
    return calls > 1 ? new Promise(() => {}) : Promise.resolve(jwt('a', 100));
  });
  await tokens.get();
  tokens.startRenewal(() => expect.unreachable());
  while (timerAt() !== undefined) await runTimer();
  expect(calls).toBe(3);
});

it('leaves no timer behind when it is stopped', async () => {
  const { tokens, timerAt, runTimer } = setUp(() => new Promise(() => {}), jwt('a', 100));
  tokens.startRenewal(() => expect.unreachable());
  await runTimer();
  expect(timerAt()).toBeDefined();
  tokens.stop();
  expect(timerAt()).toBeUndefined();
});
