/** What one who guesses is answered, with what is random in it made the same. @module */
import type { Client } from '../stack/client.ts';

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
/** As the simulator makes them. */
const CALL_ID = /"callid":"[0-9a-f]{16}"/g;

/**
 * Asks, and gives every frame that came of it, to the end of the command where one was started. Masked are: names that
 * the edge and OpenSIPS make, numbers that rise, and what was guessed itself.
 */
export async function answersTo(
  client: Client,
  method: string,
  params: object,
  ...guessed: string[]
): Promise<string[]> {
  const from = client.frames.length;
  const { result } = await client.ask(method, params);
  if (result) await client.ended(result.cmd_id);
  return client.frames.slice(from).map((frame) => {
    const plain = guessed.reduce((text, guess) => text.replaceAll(guess, '<guess>'), frame);
    return plain
      .replace(UUID, '<uuid>')
      .replace(CALL_ID, '"callid":"<callid>"')
      .replace(/"seq":\d+/g, '"seq":0')
      .replace(/^\{"jsonrpc":"2.0","id":\d+/, '{"jsonrpc":"2.0","id":0');
  });
}

/** What is answered over HTTP to one who guesses a call or a command, and what comes of ending it. */
export async function answersOverHttp(
  get: (path: string, init?: RequestInit) => Promise<Response>,
  guess: string,
): Promise<string[]> {
  const answers: Response[] = [];
  for (const path of [`calls/${guess}`, `commands/${guess}`, `commands/${guess}?wait=1`])
    answers.push(await get(`/v1/${path}`));
  const ended = await get(`/v1/calls/${guess}`, { method: 'DELETE' });
  const at = ended.headers.get('Location');
  answers.push(ended);
  if (at !== null) answers.push(await get(`${at}?wait=60`));
  const texts = await Promise.all(answers.map(wholeAnswer));
  return texts.map((text) =>
    text
      .replaceAll(guess, '<guess>')
      .replace(UUID, '<uuid>')
      .replace(/\\"seq\\":\d+/g, '"seq":0'),
  );
}

/** An answer of HTTP without its date. */
export async function wholeAnswer(response: Response): Promise<string> {
  const headers = [...response.headers].filter(([name]) => name !== 'date');
  return JSON.stringify([response.status, headers, await response.text()]);
}
