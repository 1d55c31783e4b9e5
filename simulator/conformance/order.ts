/**
 * The order of events. It is as recorded, but for the pairs that come in either order in the traces, since the
 * datagrams that cause them leave different machines at the same time:
 *
 * - a phone hangs the first leg up, and its new call rings or is refused (`start-ok`, `callee-404`: the hang-up is first;
 *   `blind`, `callee-busy`: the new call is);
 * - the answer to the new call brings `ok`, its ACK state 4, and the phone's last NOTIFY `notify`
 *   (`start-ok`: `ok`, 4; `start-ok-leg-kept`: `ok`, 4, `notify`; `hold-refused`: 4, `notify`, `ok`).
 *
 * Replies and events travel on different sockets, and are not compared with one another (README, EVI point 8).
 * @module
 */

const OK = /"method":"E_CALL_TRANSFER".*"state":"ok"/;
const LAST_NOTIFY = /"method":"E_CALL_TRANSFER".*"state":"notify","status":"200 /;
const ACKNOWLEDGED = /"old_state":3,"new_state":4/;

const PAIRS: readonly [RegExp, RegExp][] = [
  [/"old_state":4,"new_state":5/, /"old_state":1,"new_state":[25]/],
  [OK, ACKNOWLEDGED],
  [OK, LAST_NOTIFY],
];

/** Two events of the normal form that are free to change places. */
export function mayChangePlaces(one: string, other: string): boolean {
  return PAIRS.some(
    ([first, second]) => (first.test(one) && second.test(other)) || (first.test(other) && second.test(one)),
  );
}

/** The pairs of `recorded` that stand the other way round in `simulated`, which has the same members. */
export function inversions(recorded: readonly string[], simulated: readonly string[]): [string, string][] {
  const left = [...simulated];
  const places = recorded.map((text) => {
    const place = left.indexOf(text);
    left[place] = '';
    return place;
  });
  return recorded.flatMap((text, at) =>
    recorded.slice(at + 1).flatMap((later, next): [string, string][] => {
      const [here = 0, there = 0] = [places[at], places[at + 1 + next]];
      return there < here ? [[text, later]] : [];
    }),
  );
}
