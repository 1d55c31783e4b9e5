/** Copies the state of a command. @module */

/**
 * Returns a deep copy of plain JSON that a step can change. `structuredClone` took twenty times as long for a state: an
 * eighth of all the time that a call cost the object.
 */
export function copyJson<T>(json: T): T {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map(copyJson) as T;
  const copied = { ...json } as Record<string, unknown>;
  for (const key in copied) copied[key] = copyJson(copied[key]);
  return copied as T;
}
