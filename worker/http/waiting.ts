/** Waiting for the end of a command. It ends here in the Worker, so that the site's object may sleep meanwhile. @module */

/**
 * Resolves when that socket from the site's object, on which nothing but the end of a command is told, has told it or
 * has closed, or when the time is over.
 */
export async function told(socket: WebSocket, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  socket.addEventListener('message', () => resolve());
  socket.addEventListener('close', () => resolve());
  socket.addEventListener('error', () => resolve());
  socket.accept();
  await promise;
  clearTimeout(timer);
  socket.close(1000, 'waited');
}
