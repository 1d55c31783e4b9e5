import { describe, expect, it } from 'vitest';
import { eventSenderOf, findEventAddress, resolveHost, UnknownEventAddressError } from './host-address.ts';

const EVENTS = '--events (EVI_LISTEN)';

describe('the host of OpenSIPS', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '::1'],
    ['2001:db8::7', '2001:db8::7'],
  ])('%s is an address already', async (host, address) => {
    expect(await resolveHost(host)).toBe(address);
  });

  it('is an IPv4 address if it has one, because events are sent over IPv4', async () => {
    expect(await resolveHost('localhost')).toBe('127.0.0.1');
  });

  it('may not exist', async () => {
    await expect(resolveHost('host.invalid')).rejects.toHaveProperty('syscall', 'getaddrinfo');
  });
});

describe('events', () => {
  it.each([
    ['127.0.0.1', { host: '127.0.0.1', port: 0 }],
    ['::1', { host: '127.0.0.1', port: 0 }],
  ])('of an OpenSIPS at %s are received at %j', async (host, address) => {
    expect(await findEventAddress({ host, port: 8080 }, EVENTS)).toEqual(address);
  });

  it('of an OpenSIPS at another IPv6 address need a setting', async () => {
    const promise = findEventAddress({ host: '2001:db8::7', port: 8080 }, EVENTS);
    await expect(promise).rejects.toThrow(UnknownEventAddressError);
    await expect(promise).rejects.toThrow(/Set --events \(EVI_LISTEN\) to an IPv4 address/);
  });

  it.each([
    ['10.0.0.7', '10.0.0.5', '10.0.0.7'],
    ['::1', '127.0.0.1', '127.0.0.1'],
    ['::1', '10.0.0.5', '10.0.0.5'],
    ['2001:db8::7', '10.0.0.5', undefined],
  ])('of an OpenSIPS at %s, received at %s, come from %s', (miHost, localHost, sender) => {
    expect(eventSenderOf(miHost, localHost)).toBe(sender);
  });
});
