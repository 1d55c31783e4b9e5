import { expect, it } from 'vitest';
import { waitUntil } from './wait-until.ts';

const options = { timeoutMs: 200, isStopping: () => false };

it('ends at its deadline although a part takes the request and never answers it', async () => {
  const unanswered = (signal: AbortSignal) =>
    new Promise<boolean>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  await expect(waitUntil(unanswered, 'The edge has not answered', options)).rejects.toThrow(
    'The edge has not answered within 0.2 s. Its messages are above.',
  );
});

it('asks again after a failure, and ends when a part has ended', async () => {
  let attempts = 0;
  await waitUntil(
    async () => {
      if (++attempts < 3) throw new Error('refused');
      return true;
    },
    'No',
    { ...options, timeoutMs: 60_000 },
  );
  expect(attempts).toBe(3);
  const stopping = { ...options, isStopping: () => true };
  await expect(waitUntil(async () => false, 'No', stopping)).rejects.toThrow('A part has ended.');
  await expect(waitUntil(async () => true, 'No', stopping)).rejects.toThrow('A part has ended.');
});
