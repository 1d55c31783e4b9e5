/** What an endpoint is told and wants: types, filters, and what an administrator may write. */
import { describe, expect, it } from 'vitest';
import { bodyOf, callType, commandType, EndpointBody, WebhookPayload, wanting } from './webhooks.ts';

it.each([
  [commandType('CallStart', 'CalleeAnswered'), 'command.call_start.callee_answered'],
  [commandType('Echo', 'Reply'), 'command.echo.reply'],
  [callType('Answered'), 'call.answered'],
])('a type is words with dots between: %s', (type, expected) => expect(type).toBe(expected));

const event = { type: 'call.ended', addresses: ['sip:alice@example.com', 'sip:%2B1-900@gw'] };

describe('an endpoint', () => {
  it.each([
    [[], [], true],
    [['call.*'], [], true],
    [['*'], [], true],
    [['command.*', 'call.ended'], [], true],
    [['command.*'], [], false],
    [['call'], [], false],
    [[], ['alice@example.com'], true],
    [[], ['+1900@*'], true],
    [[], ['bob@*'], false],
    [['command.*'], ['alice@example.com'], false],
  ])('of types %j and addresses %j: %s', (events, addresses, wanted) =>
    expect(wanting({ events, addresses })(event)).toBe(wanted),
  );

  it('that asks for addresses is not told what is about nobody', () => {
    expect(wanting({ events: [], addresses: ['*@*'] })({ type: 'link.up', addresses: [] })).toBe(false);
    expect(wanting({ events: [], addresses: [] })({ type: 'link.up', addresses: [] })).toBe(true);
  });
});

it.each([
  ['ftp://example.com/'],
  ['https://user:password@example.com/'],
  ['https://example.com/#part'],
  ['example.com'],
  ['https://'],
])('refuses the address %s', (url) => expect(EndpointBody.safeParse({ url }).success).toBe(false));

it('refuses what it does not know, and filters that could never match', () => {
  const url = 'https://example.com/hooks';
  expect(EndpointBody.safeParse({ url, events: ['call.*'], addresses: ['*@example.com'] }).success).toBe(
    true,
  );
  for (const wrong of [
    { event: 'call.*' },
    { events: [] },
    { events: ['Call Ended'] },
    { addresses: ['alice'] },
  ])
    expect(EndpointBody.safeParse({ url, ...wrong }).success, JSON.stringify(wrong)).toBe(false);
});

it('a body says what happened, when, and which number it has', () => {
  const body = JSON.parse(bodyOf({ type: 'link.down', at: 0, data: { seq: 7, event: 'Down' } })) as unknown;
  expect(body).toEqual({
    type: 'link.down',
    timestamp: '1970-01-01T00:00:00.000Z',
    data: { seq: 7, event: 'Down' },
  });
  expect(WebhookPayload.parse(body)).toEqual(body);
});
