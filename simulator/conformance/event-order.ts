/**
 * The order of events must be as recorded, except for pairs that have either order in the traces, because the datagrams
 * that cause them leave different machines at the same time:
 *
 * - a phone hangs up the first leg, and its new call rings or is refused (`start-ok`, `callee-404`: the hang-up is first;
 *   `blind`, `callee-busy`: the new call is first);
 * - the answer to the new call causes `ok`, its ACK state 4, and the phone's last NOTIFY `notify`
 *   (`start-ok`: `ok`, 4; `start-ok-leg-kept`: `ok`, 4, `notify`; `hold-refused`: 4, `notify`, `ok`;
 *   `callee-followed-4.0`: `notify`, 4).
 *
 * Replies and events use different sockets, so their order relative to each other is not compared.
 * @module
 */

const OK = /"method":"E_CALL_TRANSFER".*"state":"ok"/;
const LAST_NOTIFY = /"method":"E_CALL_TRANSFER".*"state":"notify","status":"200 /;
const ACKNOWLEDGED = /"old_state":3,"new_state":4/;

const ORDER_FREE_PAIRS: readonly [RegExp, RegExp][] = [
  [/"old_state":4,"new_state":5/, /"old_state":1,"new_state":[25]/],
  [OK, ACKNOWLEDGED],
  [OK, LAST_NOTIFY],
  [ACKNOWLEDGED, LAST_NOTIFY],
];

/** Whether two normalized events may have either order. */
export function isOrderFree(one: string, other: string): boolean {
  return ORDER_FREE_PAIRS.some(
    ([first, second]) => (first.test(one) && second.test(other)) || (first.test(other) && second.test(one)),
  );
}

/** Returns the pairs of `recorded` whose order is reversed in `simulated`, which has the same members. */
export function findInversions(
  recorded: readonly string[],
  simulated: readonly string[],
): [string, string][] {
  const remaining = [...simulated];
  const positions = recorded.map((text) => {
    const position = remaining.indexOf(text);
    remaining[position] = '';
    return position;
  });
  return recorded.flatMap((text, n) =>
    recorded.slice(n + 1).flatMap((later, offset): [string, string][] => {
      const [position = 0, laterPosition = 0] = [positions[n], positions[n + 1 + offset]];
      return laterPosition < position ? [[text, later]] : [];
    }),
  );
}
