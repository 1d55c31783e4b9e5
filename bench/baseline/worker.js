// The baseline Worker: the least that a Durable Object can do for a client. One class serves three modes; the path
// names mode, site and role: `/bare/0/client`. It validates nothing, and stores only what matches a reply to its client.
// Plain JavaScript, because the types of the platform and of Node exclude each other in one TypeScript program.
import { DurableObject } from 'cloudflare:workers';
import { messageId } from '../message-id.ts';

/**
 * echo: sends each message back. bare: forwards each message to the adapter's socket, and the reply to the client.
 * durable: as bare, with one row that is inserted with the request and updated with the reply.
 */
const MODES = ['echo', 'bare', 'durable'];

export class Switchboard extends DurableObject {
  #mode;
  #adapter;
  #pending = new Map();
  #lastRow = 0;

  constructor(ctx, env) {
    super(ctx, env);
    // After hibernation, the tags of the sockets tell which mode this object serves.
    this.#mode = MODES.find((mode) => ctx.getWebSockets(mode).length > 0);
    this.#adapter = ctx.getWebSockets('adapter')[0];
    ctx.storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS relayed (id INTEGER PRIMARY KEY, request TEXT, reply TEXT)',
    );
    this.#lastRow = ctx.storage.sql.exec('SELECT max(id) AS last FROM relayed').one().last ?? 0;
  }

  fetch(request) {
    const [, mode, , role] = new URL(request.url).pathname.split('/');
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server, [mode, role]);
    this.#mode = mode;
    if (role === 'adapter') this.#adapter = server;
    return new Response(null, { status: 101, webSocket: client });
  }

  webSocketMessage(socket, message) {
    if (this.#mode === 'echo') socket.send(message);
    else if (socket === this.#adapter) this.#forwardReply(message);
    else this.#forwardRequest(socket, message);
  }

  webSocketClose(socket) {
    socket.close();
  }

  #forwardRequest(client, message) {
    const row = ++this.#lastRow;
    this.#pending.set(messageId(message), { client, row });
    if (this.#mode === 'durable')
      this.ctx.storage.sql.exec('INSERT INTO relayed (id, request) VALUES (?, ?)', row, message);
    this.#adapter.send(message);
  }

  #forwardReply(message) {
    const id = messageId(message);
    const { client, row } = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#mode === 'durable')
      this.ctx.storage.sql.exec('UPDATE relayed SET reply = ? WHERE id = ?', message, row);
    client.send(message);
  }
}

export default {
  fetch(request, env) {
    const url = new URL(request.url);
    if (url.pathname === '/') return new Response('up');
    const [, mode, site] = url.pathname.split('/');
    return env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName(`${mode}/${site}`)).fetch(request);
  },
};
