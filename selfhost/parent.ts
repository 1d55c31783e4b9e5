/** Notices when the process that has started this one is killed. @module */

const CHECK_INTERVAL_MS = 500;

/**
 * Calls a function once when npm, which has started this process, has ended without ending it, as npm does when it is killed
 * (SIGKILL). A process that was started otherwise may outlive its parent.
 */
export function onParentEnd(onEnd: () => void): void {
  if (process.env['npm_lifecycle_event'] !== 'start') return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onEnd();
  }, CHECK_INTERVAL_MS);
  timer.unref();
}
