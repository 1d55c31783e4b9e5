/** What prints a time says which one it is, in every time zone of the machine. */
import { expect, it } from 'vitest';
import { startStack } from '../harness/stack.ts';
import { run, start } from './run.ts';

/** 14 h ahead of UTC, 3 h 30 or 2 h 30 behind it, and UTC itself. */
const ZONES = ['Pacific/Kiritimati', 'America/St_Johns', 'UTC'];

const HOUR_MS = 3_600_000;

it('prints instants with their zone, durations without one, and the time of day of this machine while it watches', async () => {
  await using stack = await startStack();
  const env = { CALL_API: `ws://127.0.0.1:${stack.port}` };
  const callid = await stack.simulator.dial({ from: 'keep.a', to: 'keep.b' });
  const instants: (string | undefined)[] = [];
  for (const zone of ZONES) {
    const { out: got } = await run(['get', callid], { ...env, TZ: zone });
    const began = /^began +(\S+)$/m.exec(got)?.[1] ?? '';
    expect(began).toMatch(/Z$/);
    expect(Math.abs(Date.now() - Date.parse(began))).toBeLessThan(HOUR_MS);
    instants.push(began);
    // A zone that is taken for a part of the time makes the call hours old.
    expect((await run(['list'], { ...env, TZ: zone })).out).toMatch(/ 0:\d\d(?:\s|$)/m);
  }
  expect(new Set(instants).size).toBe(1);

  const watches = ZONES.map((zone) => start(['watch'], { ...env, TZ: zone }));
  await Promise.all(watches.map((watch) => watch.waitForOutput(callid)));
  const before = Date.now();
  const other = await stack.simulator.dial({ from: 'keep.c', to: 'keep.d' });
  await Promise.all(watches.map((watch) => watch.waitForOutput(other)));
  const after = Date.now();
  for (const [n, zone] of ZONES.entries()) {
    watches[n]?.interrupt();
    const shown = new RegExp(`(\\d\\d:\\d\\d:\\d\\d) .*${other}`).exec(watches[n]?.output() ?? '')?.[1];
    const times: string[] = [];
    for (let at = before - 1_000; at <= after + 1_000; at += 1_000)
      times.push(new Date(at).toLocaleTimeString('en-GB', { timeZone: zone }));
    expect(times).toContain(shown);
    await watches[n]?.exited;
  }
});
