/** Types and bodies of webhook events, and the filters of endpoints. */
import { describe, expect, it } from 'vitest';
import { callEventType, commandEventType, eventMatcher, WebhookPayload, webhookBody } from './events.ts';

it.each([
  [commandEventType('CallStart', 'CalleeAnswered'), 'command.call_start.callee_answered'],
  [commandEventType('Echo', 'Reply'), 'command.echo.reply'],
  [callEventType('Answered'), 'call.answered'],
])('an event type consists of words separated by dots: %s', (type, expected) => expect(type).toBe(expected));

const event = { type: 'call.ended', addresses: ['sip:alice@example.com', 'sip:%2B1-900@gw'] };

describe('a filter', () => {
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
  ])('of types %j and addresses %j matches: %s', (events, addresses, expected) =>
    expect(eventMatcher({ events, addresses })(event)).toBe(expected),
  );

  it('with addresses does not match an event without parties', () => {
    expect(eventMatcher({ events: [], addresses: ['*@*'] })({ type: 'link.up', addresses: [] })).toBe(false);
    expect(eventMatcher({ events: [], addresses: [] })({ type: 'link.up', addresses: [] })).toBe(true);
  });
});

it('a body has the type, the time and the sequence number of the event', () => {
  const body = JSON.parse(
    webhookBody({ type: 'link.down', at: 0, data: { seq: 7, event: 'Down', adapters: [] } }),
  ) as unknown;
  expect(body).toEqual({
    type: 'link.down',
    timestamp: '1970-01-01T00:00:00.000Z',
    data: { seq: 7, event: 'Down', adapters: [] },
  });
  expect(WebhookPayload.parse(body)).toEqual(body);
});
