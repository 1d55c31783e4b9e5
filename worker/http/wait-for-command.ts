/** Waits for the end of a command. The wait ends here in the Worker, so that the site's object may sleep. @module */

/**
 * Resolves when a command has ended, or when the time is over.
 * @param socket from the site's object; it receives nothing but the end of the command
 */
export async function waitForCommandEnd(socket: WebSocket, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  socket.addEventListener('message', () => resolve());
  socket.addEventListener('close', () => resolve());
  socket.addEventListener('error', () => resolve());
  socket.accept();
  await promise;
  clearTimeout(timer);
  socket.close(1000, 'The wait has ended.');
}
