import { expect, it } from 'vitest';
import { asSentence, sentences, withReason } from './sentence.ts';

it.each([
  ['the call has ended', 'The call has ended.'],
  ['transfer failed with status 486', 'Transfer failed with status 486.'],
  ['486 Busy Here', '486 Busy Here.'],
  ['caller: "alice" is not a SIP URI. Use one.', 'caller: "alice" is not a SIP URI. Use one.'],
  ['rules.allow: missing.', 'rules.allow: missing.'],
  ['"alice" is not a name', '"alice" is not a name.'],
  ['call-api is old', 'call-api is old.'],
  ['really?', 'Really?'],
])('%s', (text, sentence) => expect(asSentence(text)).toBe(sentence));

it('joins sentences and reasons', () => {
  expect(sentences('it failed', '', 'Try again.')).toBe('It failed. Try again.');
  expect(withReason('It was rejected (400)', 'id: missing.')).toBe('It was rejected (400): id: missing.');
  expect(withReason('It was rejected (400)', '')).toBe('It was rejected (400).');
});
