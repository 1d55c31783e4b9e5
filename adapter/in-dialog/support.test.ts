import { describe, expect, it } from 'vitest';
import { inDialogSupport, listsSendSequential } from './support.ts';

describe('requests within a dialog', () => {
  it.each([
    ['OpenSIPS (3.3.9 (x86_64/linux))', undefined],
    ['OpenSIPS (3.4.18 (x86_64/linux))', { refer: false, hold: true, timeout_ms: 30_000 }],
    ['OpenSIPS (3.5.0 (x86_64/linux))', { refer: false, hold: true, timeout_ms: 30_000 }],
    ['OpenSIPS (3.6.8 (x86_64/linux))', { refer: true, hold: true, timeout_ms: 30_000 }],
    ['OpenSIPS (4.0.0-beta (x86_64/linux))', { refer: true, hold: true, timeout_ms: 30_000 }],
    ['OpenSIPS (10.0.1 (x86_64/linux))', { refer: true, hold: true, timeout_ms: 30_000 }],
    ['', { refer: true, hold: true, timeout_ms: 30_000 }],
    ['something else', undefined],
  ])('of %j are %j', (version, support) => {
    expect(inDialogSupport(version, true, 30_000)).toEqual(support);
    expect(inDialogSupport(version, false, 30_000)).toBeUndefined();
    expect(inDialogSupport(version, undefined, 30_000), 'not known yet').toEqual(support);
  });

  it.each([
    [['uptime', 'dlg_send_sequential'], true],
    [['core:uptime', 'dialog:send_sequential'], true],
    [['uptime', 'dlg_list'], false],
    ['OK', undefined],
    [undefined, undefined],
  ])('need a command in the list %j: %j', (which, isListed) => {
    expect(listsSendSequential(which)).toBe(isListed);
  });
});
