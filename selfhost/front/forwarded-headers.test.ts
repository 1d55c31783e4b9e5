import { expect, it } from 'vitest';
import { DEFAULT_TRUSTED_PROXIES, trustedProxies, withoutForwarded } from './forwarded-headers.ts';

it.each<[readonly string[], string | undefined, boolean]>([
  [DEFAULT_TRUSTED_PROXIES, '127.0.0.1', true],
  [DEFAULT_TRUSTED_PROXIES, '::1', true],
  [DEFAULT_TRUSTED_PROXIES, '::ffff:127.0.0.1', true],
  [DEFAULT_TRUSTED_PROXIES, '10.0.0.1', false],
  [DEFAULT_TRUSTED_PROXIES, '::ffff:10.0.0.1', false],
  [DEFAULT_TRUSTED_PROXIES, undefined, false],
  [['10.1.0.0/16', '2001:db8::/32'], '10.1.2.3', true],
  [['10.1.0.0/16', '2001:db8::/32'], '10.2.0.1', false],
  [['10.1.0.0/16', '2001:db8::/32'], '2001:db8:1::1', true],
  [['10.1.2.3'], '10.1.2.3', true],
  [['10.1.2.3'], '10.1.2.4', false],
  [['10.1.2.3'], '127.0.0.1', false],
  [['fe80::1'], 'fe80::1%eth0', true],
])('with the proxies %j, %s may forward: %j', (proxies, address, isTrusted) => {
  expect(trustedProxies(proxies)(address)).toBe(isTrusted);
});

it('the headers of a proxy are removed, whatever their case', () => {
  const passed = ['Host', 'x', 'Accept', 'X-Forwarded-Proto', 'X-Forwarded', 'passed'];
  const removed = ['X-Forwarded-Proto', 'x-forwarded-for', 'FORWARDED', 'X-Real-IP', 'CF-Connecting-IP'];
  expect(withoutForwarded([...removed.flatMap((name) => [name, 'https']), ...passed])).toEqual(passed);
});
