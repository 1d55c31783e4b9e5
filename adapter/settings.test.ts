import { describe, expect, it } from 'vitest';
import { ALLOWED_MI_COMMANDS } from '../shared/opensips/mi.ts';
import { Hello } from '../shared/protocol/link.ts';
import { LINK_VERSIONS } from '../shared/protocol/link-negotiation.ts';
import { faultOf, WRONG_VALUES } from '../shared/testing/wrong-values.ts';
import { type Reading, readSettings } from './settings.ts';

const noFile = (path: string): string => {
  throw Object.assign(new Error(`open '${path}'`), { code: 'ENOENT' });
};
const file = (content: object) => () => JSON.stringify(content);

const settingsOf = (reading: Reading) => {
  if ('settings' in reading) return reading.settings;
  throw new Error(JSON.stringify(reading));
};
const helpText = () => {
  const reading = readSettings(['--help'], {}, noFile);
  return 'help' in reading ? reading.help : '';
};
const errorsOf = (reading: Reading) => ('errors' in reading ? reading.errors : []);

describe('the adapter settings', () => {
  it('have a default for all but the key and the event address', () => {
    expect(settingsOf(readSettings([], {}, noFile))).toMatchObject({
      opensips: { host: '127.0.0.1', port: 8080 },
      edge: 'ws://127.0.0.1:5059/adapter',
      key: undefined,
      sipNextHop: 'sip:127.0.0.1:5060',
      events: undefined,
      allow: new Set(ALLOWED_MI_COMMANDS),
      buffer: 100_000,
      subscription: 120,
      engine: 'auto',
      frTimeoutMs: 30_000,
      matching: { mode: 'param', param: 'osid' },
      setUpFrom: 'callee',
      transport: undefined,
      logLevel: 'info',
    });
  });

  it('are read from flags before the environment, and from there before the file', () => {
    const content = file({ name: 'file', buffer: 300, subscription: 30, allow: ['dlg_list', 'call_hold'] });
    const env = { ADAPTER_NAME: 'env', ADAPTER_BUFFER: '200' };
    const settings = settingsOf(readSettings(['--config', 'a.json', '--name', 'flag'], env, content));
    expect(settings.name).toBe('flag');
    expect(settings.buffer).toBe(200);
    expect(settings.subscription).toBe(30);
    expect(settings.allow).toEqual(new Set(['dlg_list', 'call_hold']));
  });

  it('have no value that the edge does not take', () => {
    const long = (length: number) => 'x'.repeat(length);
    for (const [flag, value] of [
      ['name', ''],
      ['name', long(128)],
      ['name', long(129)],
      ['sip-next-hop', `sip:${long(508)}`],
      ['sip-next-hop', `sip:${long(1_021)}`],
      ['match-param', long(64)],
      ['match-param', long(65)],
      ['transport', long(17)],
    ] as const) {
      const reading = readSettings([`--${flag}`, value], {}, noFile);
      if (!('settings' in reading)) {
        expect(errorsOf(reading)).toHaveLength(1);
        continue;
      }
      const { name, sipNextHop, matching, transport } = reading.settings;
      const hello = {
        type: 'hello',
        version: LINK_VERSIONS.min,
        adapter: name,
        stream: 's',
        base: 1,
        opensips: {
          version: '',
          reachable: true,
          next_hop: sipNextHop,
          match_param: matching.param,
          ...(transport === undefined ? {} : { transport }),
        },
      };
      expect(Hello.safeParse(hello).error).toBeUndefined();
    }
  });

  it('describe how OpenSIPS is configured', () => {
    const env = { ADAPTER_ENGINE: 'callops', MATCH_PARAM: 'os_id', SIP_TRANSPORT: 'tcp', FR_TIMEOUT: '5' };
    const flags = ['--match-mode', 'callid', '--set-up-from', 'caller'];
    expect(settingsOf(readSettings(flags, env, noFile))).toMatchObject({
      engine: 'callops',
      frTimeoutMs: 5_000,
      matching: { mode: 'callid', param: 'os_id' },
      setUpFrom: 'caller',
      transport: 'tcp',
    });
  });

  it.each([
    ['[::1]:8080', { host: '::1', port: 8080 }],
    ['[2001:db8::7]:9', { host: '2001:db8::7', port: 9 }],
    ['open_sips:8080', { host: 'open_sips', port: 8080 }],
  ])('take %s as the address of OpenSIPS', (text, opensips) => {
    expect(settingsOf(readSettings(['--opensips', text], {}, noFile)).opensips).toEqual(opensips);
  });

  it('take host names with an underscore, as those of containers', () => {
    const flags = ['--edge', 'ws://call_api:5059/adapter', '--sip-next-hop', 'sip:open_sips:5060'];
    expect(settingsOf(readSettings(flags, {}, noFile))).toMatchObject({
      edge: 'ws://call_api:5059/adapter',
      sipNextHop: 'sip:open_sips:5060',
    });
  });

  it('ignore empty variables', () => {
    expect(settingsOf(readSettings([], { OPENSIPS_MI: '', ADAPTER_KEY: '' }, noFile))).toMatchObject({
      opensips: { port: 8080 },
      key: undefined,
    });
  });

  it.each([
    ['--opensips', '10.0.0.1', /^--opensips: "10.0.0.1" is not HOST:PORT\. .*127.0.0.1:8080\.$/],
    ['--opensips', '10.0.0.1:0', /port from 1/],
    ['--opensips', '10.0.0.1:70000', /not HOST:PORT/],
    ['--opensips', '::1:8080', /not HOST:PORT/],
    ['--opensips', '[::1]', /not HOST:PORT/],
    ['--opensips', '[10.0.0.1]:8080', /not HOST:PORT/],
    ['--opensips', '[fe80::1%eth0]:8080', /not HOST:PORT/],
    ['--events', '[::1]:5061', /not an IPv4 address/],
    ['--events', 'open_sips:5061', /not an IPv4 address/],
    ['--engine', 'fast', /not an engine\. Use auto or callops\.$/],
    ['--fr-timeout', '0', /whole number from 1 to 600/],
    ['--fr-timeout', '601', /whole number from 1 to 600/],
    ['--match-param', 'a;b', /not the name of a URI parameter/],
    ['--match-param', 'p'.repeat(65), /not the name of a URI parameter/],
    ['--match-mode', 'id', /not a match mode\. Use param, callid or manual\.$/],
    ['--set-up-from', 'both', /not a party\. Use callee or caller\.$/],
    ['--transport', 'quic', /not a transport\. Use udp, .* or wss\.$/],
    ['--edge', 'edge', /not the URL of an edge.*wss:/],
    ['--edge', 'ws://edge/#x', /not the URL of an edge/],
    ['--edge', 'https://edge/adapter', /not a WebSocket URL\. Use wss:\/\/edge\/adapter\.$/],
    ['--edge', 'http://edge:80', /does not end with the path \/adapter\. Use ws:\/\/edge\/adapter\.$/],
    ['--edge', 'ws://edge:5059/', /Use ws:\/\/edge:5059\/adapter\.$/],
    ['--edge', 'ws://edge/call-api', /Use ws:\/\/edge\/adapter\.$/],
    ['--edge', 'wss://edge/calls/adapter/', /Use wss:\/\/edge\/calls\/adapter\.$/],
    ['--sip-next-hop', '10.0.0.1', /not a SIP URI/],
    ['--sip-next-hop', 'sip:a>\r\nX: y', /not a SIP URI/],
    ['--events', 'sbc.example.com:5061', /not an IPv4 address/],
    ['--events', '0.0.0.0:5061', /not an IPv4 address/],
    ['--allow', 'dlg list', /not a list of MI commands/],
    ['--buffer', 'many', /whole number/],
    ['--buffer', '1e9', /whole number/],
    ['--subscription', '5', /whole number from 20/],
    ['--log-level', 'loud', /not a log level\. Use trace, .* or silent\.$/],
    ['--name', '', /is empty/],
    ['--name', 'n'.repeat(129), /longer than 128/],
  ])('%s %s is rejected with a sentence', (flag, value, message) => {
    const errors = errorsOf(readSettings([flag, value], {}, noFile));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(message);
  });

  it('report every mistake at once, and where it was made', () => {
    const env = { EVI_LISTEN: 'x' };
    const content = file({ subscription: 1 });
    const errors = errorsOf(readSettings(['--edge', 'x', '--config', 'a.json'], env, content)).join('\n');
    expect(errors).toMatch(/^--edge: "x"/m);
    expect(errors).toMatch(/^EVI_LISTEN: "x"/m);
    expect(errors).toMatch(/^"subscription" in a.json: "1"/m);
  });

  it('explain every wrong value in sentences of their own, wherever it is', () => {
    const [flags, variables] = [/--([\w-]+) /g, /\(([A-Z_]+)\)/g].map((pattern) =>
      [...helpText().matchAll(pattern)].map(([, name = '']) => name),
    );
    expect(flags?.length).toBeGreaterThan(10);
    for (const value of WRONG_VALUES) {
      const readings = [
        ...(flags ?? []).map((name) => readSettings([`--${name}=${value}`], {}, noFile)),
        ...(variables ?? []).map((name) => readSettings([], { [name]: value }, noFile)),
        ...(flags ?? []).map((name) => readSettings(['--config', 'c'], {}, file({ [name]: value }))),
        readSettings([value], {}, noFile),
        readSettings(['--config', 'c'], {}, () => value),
      ];
      for (const error of readings.flatMap(errorsOf)) expect(faultOf(error, value), error).toBeUndefined();
    }
  });

  it('never print the key', () => {
    const bad = 'se cret';
    expect(errorsOf(readSettings(['--key', bad], {}, noFile)).join()).not.toContain(bad);
    const broken = () => '{"key": "secret';
    expect(errorsOf(readSettings(['--config', 'a.json'], {}, broken)).join()).not.toContain('secret');
    const url = 'http://user:secret@edge/adapter?access_token=secret';
    expect(errorsOf(readSettings(['--edge', url], {}, noFile)).join()).not.toContain('secret');
  });

  it('--help lists every flag with its variable', () => {
    const text = helpText();
    for (const word of ['--opensips', 'OPENSIPS_MI', '--edge', 'EDGE_URL', 'ADAPTER_KEY', 'SIP_NEXT_HOP'])
      expect(text).toContain(word);
  });
});
