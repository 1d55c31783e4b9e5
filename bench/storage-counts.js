// Counts what the objects of a Worker do with their storage. For the instrumented Workers of the benchmarks.
// Plain JavaScript, because the types of the platform and of Node exclude each other in one TypeScript program.

/** Cursors that are kept because their rows may not all have been read yet. */
let cursors = [];
let alarmsSet = 0;
let isInstrumented = false;

/** Wraps the storage functions once: all objects of the isolate share the platform's classes. */
export function countStorage({ storage }) {
  if (isInstrumented) return;
  isInstrumented = true;
  const sql = Object.getPrototypeOf(storage.sql);
  const { exec } = sql;
  sql.exec = function (...args) {
    const cursor = exec.apply(this, args);
    cursors.push(cursor);
    return cursor;
  };
  const storagePrototype = Object.getPrototypeOf(storage);
  const { setAlarm } = storagePrototype;
  storagePrototype.setAlarm = function (...args) {
    alarmsSet++;
    return setAlarm.apply(this, args);
  };
}

/** Returns the counts since the last reset. */
export function storageCounts() {
  const sum = (property) => cursors.reduce((total, cursor) => total + cursor[property], 0);
  return { rowsWritten: sum('rowsWritten'), rowsRead: sum('rowsRead'), alarmsSet };
}

export function resetStorageCounts() {
  cursors = [];
  alarmsSet = 0;
}
