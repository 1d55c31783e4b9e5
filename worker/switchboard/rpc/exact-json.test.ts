/** Ids come back byte for byte, and numbers that the edge keeps for a client keep their value. */
import { evictDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSender } from '../../testing/http.ts';
import { scenarios } from '../../testing/scenarios.ts';
import { TestSite } from '../../testing/site.ts';

/** Texts of ids that `JSON.parse` and `JSON.stringify` would change, and some that they would not. */
const TEXTS = [
  ...['1', '0', '-1', '1.5', '"a"', '""', '"é😀"', 'null'],
  ...['9007199254740993', '-9223372036854775808', '123456789012345678901234567890', '1764547200123456789'],
  ...['1.0', '-0', '-0.0', '0.0', '1e2', '1E+2', '1e400', '-1e-400', '0.1000', '0.12345678901234567890'],
  ...['"\\u0041"', '"\\/"', '"\\ud800"', '"\\uD83D\\uDE00"', '"\\b\\f\\n\\r\\t"', '"\\u2028"', '"a\\\\"'],
];

/** Any text of a JSON number or string (RFC 8259 §6 and §7). */
const anyText = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.stringMatching(/^-?(?:0|[1-9]\d{0,40})(?:\.\d{1,40})?(?:[eE][+-]?\d{1,5})?$/),
  fc
    .array(
      fc.oneof(
        fc.string({ unit: 'grapheme', maxLength: 3 }).map((text) => JSON.stringify(text).slice(1, -1)),
        fc.stringMatching(/^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})$/),
      ),
      { maxLength: 5 },
    )
    .map((parts) => `"${parts.join('')}"`),
);

const request = (id: string, rest: string) => `{"jsonrpc":"2.0","id":${id},${rest}}`;
const idOf = (response: string) => /^{"jsonrpc":"2\.0","id":(.*?),"(?:result|error)":/s.exec(response)?.[1];

it('returns ids byte for byte: over a socket and HTTP, single and in a batch, with results and errors', async () => {
  const site = new TestSite();
  const socket = await site.openSocket();
  const send = await createSender(site, {});
  const post = async (body: string) => (await send('/v1/rpc', { method: 'POST', body })).text();
  const check = async (text: string, isRemote: boolean) => {
    const valid = request(text, '"method":"CommandGet","params":{"cmd_id":"a"}');
    const unknown = request(text, '"method":"Dance"');
    const invalid = request(text, '"method":7');
    const batch = `[${valid}, ${unknown} ,${invalid}]`;
    const answers = async (message: string) => {
      if (isRemote) return post(message);
      socket.send(message);
      return socket.nextText();
    };
    for (const message of [valid, unknown, invalid]) expect(idOf(await answers(message))).toBe(text);
    const responses = (await answers(batch)).slice(1, -1).split(/,(?={"jsonrpc")/);
    expect(responses.map(idOf)).toEqual([text, text, text]);
  };
  for (const text of TEXTS) for (const isRemote of [false, true]) await check(text, isRemote);
  await fc.assert(
    fc.asyncProperty(anyText, fc.boolean(), check),
    // Each run sends four messages, and a subject may send 200 a second.
    { numRuns: 60, endOnFailure: true },
  );
});

it('returns the id of a repeated command, after a resume, and keeps numbers of metadata in all that is stored', async () => {
  const site = new TestSite();
  await site.adapter(scenarios.endNotFound);
  const metadata = `{"n":9007199254740993,"list":[1e400,-0,{"deep":0.12345678901234567890}],"text":"\\u0041"}`;
  const stored = metadata.replace('\\u0041', 'A');
  const params = `{"callid":"none","cmd_id":"mine","metadata":${metadata}}`;
  const first = await site.openSocket({ session: 'tab' });
  for (const id of ['9007199254740993', '"\\u0041"', '1.0']) {
    first.send(request(id, `"method":"CallEnd","params":${params}`));
    expect(idOf(await first.nextText())).toBe(id);
    if (id !== '9007199254740993') continue;
    for (const event of ['Error', 'Ended']) {
      const text = await first.nextText();
      expect(text).toContain(`"event":"${event}"`);
      expect(text).toContain(`"metadata":${stored}`);
    }
  }
  first.close();
  await first.closed;
  await evictDurableObject(site.object);
  const second = await site.openSocket({ session: 'tab', since: 0 });
  for (let n = 0; n < 2; n++) expect(await second.nextText()).toContain(`"metadata":${stored}`);
  // The same command, as it is in the log.
  second.send(request('-0', `"method":"CallEnd","params":${params}`));
  const repeated = await second.nextText();
  expect(idOf(repeated)).toBe('-0');
  expect(repeated).toContain('"replayed":true');
  second.send(request('1e2', '"method":"CommandGet","params":{"cmd_id":"mine"}'));
  expect(await second.nextText()).toContain(`"metadata":${stored}`);
});

it('keeps numbers of metadata over HTTP, in calls, in event streams and for webhooks', async () => {
  const site = new TestSite();
  await site.object.enableWebhooks(`${site.tenant}/${site.site}`);
  await site.adapter(scenarios.startOk);
  const send = await createSender(site, {});
  const events = await send('/v1/events');
  const reader = events.body?.pipeThrough(new TextDecoderStream()).getReader();
  const body = '{"caller":"sip:a@b","callee":"sip:c@d","metadata":{"n":9007199254740993}}';
  const started = await send('/v1/calls', { method: 'POST', body });
  expect(started.status).toBe(202);
  const ended = await send(`${started.headers.get('Location')}?wait=60`);
  expect(await ended.text()).toContain('"metadata":{"n":9007199254740993}');
  await evictDurableObject(site.object);
  const calls = await (await send('/v1/calls')).text();
  expect(calls).toContain('"metadata":{"n":9007199254740993}');
  let streamed = '';
  while (!streamed.includes('"event":"Ended"')) streamed += (await reader?.read())?.value ?? '';
  await reader?.cancel();
  const withMetadata = streamed.match(/"metadata":{"n":\d+}/g);
  expect(new Set(withMetadata)).toEqual(new Set(['"metadata":{"n":9007199254740993}']));
});

it('returns all of an Echo with the values of its numbers', async () => {
  const { socket } = await new TestSite().client();
  const params = '{"n":9007199254740993,"deep":[{"m":-9007199254740995}],"usual":[1,2.5,"x"]}';
  socket.send(request('1', `"method":"Echo","params":${params}`));
  expect(idOf(await socket.nextText())).toBe('1');
  expect(await socket.nextText()).toContain(`"data":${params}`);
});

it('reads JSON in UTF-8 from binary frames, and ignores a byte order mark', async () => {
  const site = new TestSite();
  const { socket } = await site.client();
  const send = await createSender(site, {});
  const echo = request('9007199254740993', '"method":"CommandGet","params":{"cmd_id":"é"}');
  const bytes = (text: string) => Uint8Array.from(new TextEncoder().encode(text)).buffer;
  for (const frame of [bytes(echo), `\ufeff${echo}`, bytes(`\ufeff${echo}`)]) {
    socket.send(frame);
    expect(idOf(await socket.nextText())).toBe('9007199254740993');
  }
  const overHttp = await send('/v1/rpc', { method: 'POST', body: `\ufeff${echo}` });
  expect(idOf(await overHttp.text())).toBe('9007199254740993');
  socket.send(Uint8Array.of(0x7b, 0xff).buffer);
  expect(await socket.next()).toMatchObject({
    id: null,
    error: { code: -32700, data: 'The binary frame is not UTF-8. Send JSON in UTF-8.' },
  });
});
