import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createLog, redactUrl } from './log.ts';

const KEY = 'k"e\\y-1234';

describe('the log', () => {
  it.each<[string, object | string]>([
    ['a message', `the key is ${KEY}`],
    ['an error', { err: new Error(`connect with ${KEY}`) }],
    ['headers', { headers: { authorization: `Bearer ${KEY}` } }],
    ['settings', { settings: { key: KEY, name: 'a' } }],
  ])('redacts the key in %s', (_, entry) => {
    let text = '';
    const stream = new Writable({
      write(chunk, _encoding, done) {
        text += chunk;
        done();
      },
    });
    const log = createLog('info', [KEY], stream);
    if (typeof entry === 'string') log.info(entry);
    else log.info(entry, 'something');
    expect(text).toContain('"name":"adapter"');
    expect(text).not.toContain('1234');
    expect(() => JSON.parse(text)).not.toThrow();
  });

  it('removes the parts of a URL that may contain secrets', () => {
    expect(redactUrl('wss://user:pass@edge.example.com:444/adapter?access_token=x#y')).toBe(
      'wss://edge.example.com:444/adapter',
    );
  });
});
