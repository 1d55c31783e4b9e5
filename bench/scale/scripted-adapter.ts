/**
 * An adapter's end of the link with no OpenSIPS behind it: phones ring as soon as they are called and go on ringing,
 * and every other call is unknown. So as many commands run as the edge is given, where a real adapter holds a socket
 * for each INVITE that is not answered, and so 1,024 at most (adapter/mi.ts).
 * @module
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { dialogState } from '../../shared/evi.ts';
import { type FromEdge, LINK_VERSION, PING, PING_INTERVAL_MS, PONG } from '../../shared/link.ts';

const OPENSIPS = { version: 'OpenSIPS (scripted)', next_hop: 'sip:127.0.0.1:5060', reachable: true };
const UNKNOWN = { code: 404, message: 'Requested Dialog not found' };

/** Strangers' calls stand for ever, and nobody pages through them. */
function standing(seq: number, id: string, callid: string): object {
  const isCall = callid.startsWith('stranger-');
  if (!isCall) return { type: 'reply', seq, id, error: UNKNOWN };
  const parties = { from_uri: 'sip:carol@192.0.2.7', to_uri: 'sip:dave@192.0.2.7' };
  const Dialog = { ID: '1.1', state: dialogState.acknowledged, timestart: 1, callid, ...parties };
  return { type: 'reply', seq, id, result: { Dialog } };
}

/** What may be asked of it beside serving. */
export interface ScriptedAdapter {
  /** Strangers' calls by these numbers, from the first to before the last, begin to ring. */
  raise(from: number, to: number): Promise<void>;
}

/** Events to a frame. */
const FRAME = 500;

/** Connects; it serves until the edge goes. */
export async function connectScriptedAdapter(url: string): Promise<ScriptedAdapter> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  const send = (message: object) => socket.send(JSON.stringify(message));
  let seq = 0;
  const obey = (message: FromEdge): object[] => {
    if (message.type !== 'mi') return [];
    const { id, method, params } = message;
    if (method === 'dlg_list') return [standing(++seq, id, String(params['callid'] ?? ''))];
    if (method !== 't_uac_dlg') return [{ type: 'reply', seq: ++seq, id, error: UNKNOWN }];
    const callid = /^Call-Id: (\S+)/m.exec(String(params['headers']))?.[1] ?? '';
    const change = { old_state: dialogState.unconfirmed, new_state: dialogState.ringing };
    const event = { name: 'E_DLG_STATE_CHANGED', params: { id: `0.${seq}`, callid, ...change } };
    return [{ type: 'event', seq: ++seq, at: Date.now(), ...event }];
  };
  socket.on('message', (data) => {
    const text = data.toString();
    if (text === PONG) return;
    const frame = JSON.parse(text) as FromEdge | FromEdge[];
    const replies = (Array.isArray(frame) ? frame : [frame]).flatMap(obey);
    if (replies.length > 0) send(replies);
  });
  const ping = setInterval(() => socket.send(PING), PING_INTERVAL_MS);
  socket.on('close', () => clearInterval(ping));
  socket.on('error', () => {});
  send({
    type: 'hello',
    version: LINK_VERSION,
    adapter: 'scripted',
    stream: 'scripted',
    base: 1,
    opensips: OPENSIPS,
  });
  return {
    async raise(from, to) {
      const change = { old_state: dialogState.unconfirmed, new_state: dialogState.ringing };
      for (let at = from; at < to; at += FRAME) {
        const events = Array.from({ length: Math.min(FRAME, to - at) }, (_, n) => {
          const params = { id: `1.${at + n}`, callid: `stranger-${at + n}@192.0.2.7`, ...change };
          return { type: 'event', seq: ++seq, at: Date.now(), name: 'E_DLG_STATE_CHANGED', params };
        });
        send(events);
        await new Promise((resume) => setImmediate(resume));
      }
    },
  };
}
