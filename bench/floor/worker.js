// The floor: the least that an object can do for a client, served by one class in three modes. The path tells mode,
// site and role: `/bare/0/client`. Nothing is checked, nothing is kept but what finds a reply's asker again.
// Plain JavaScript, because types of the platform and of Node do not go together in one program.
import { DurableObject } from 'cloudflare:workers';
import { messageId } from '../message-id.ts';

/**
 * echo: sends each message back. bare: hands each message on to the adapter's socket, and the reply back.
 * durable: the same with one row, inserted on the way out and updated on the way back.
 */
const MODES = ['echo', 'bare', 'durable'];

export class Switchboard extends DurableObject {
  #mode;
  #adapter;
  #askers = new Map();
  #row = 0;

  constructor(ctx, env) {
    super(ctx, env);
    // After a sleep, the sockets tell what this object is.
    this.#mode = MODES.find((mode) => ctx.getWebSockets(mode).length > 0);
    this.#adapter = ctx.getWebSockets('adapter')[0];
    ctx.storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS relayed (id INTEGER PRIMARY KEY, request TEXT, reply TEXT)',
    );
    this.#row = ctx.storage.sql.exec('SELECT max(id) AS last FROM relayed').one().last ?? 0;
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
    else if (socket === this.#adapter) this.#reply(message);
    else this.#ask(socket, message);
  }

  webSocketClose(socket) {
    socket.close();
  }

  #ask(client, message) {
    const row = ++this.#row;
    this.#askers.set(messageId(message), { client, row });
    if (this.#mode === 'durable')
      this.ctx.storage.sql.exec('INSERT INTO relayed (id, request) VALUES (?, ?)', row, message);
    this.#adapter.send(message);
  }

  #reply(message) {
    const id = messageId(message);
    const { client, row } = this.#askers.get(id);
    this.#askers.delete(id);
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
