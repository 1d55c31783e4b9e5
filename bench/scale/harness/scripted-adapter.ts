/**
 * An adapter's end of the link without an OpenSIPS behind it. Phones ring as soon as they are called and go on ringing,
 * external calls are active, and every other call is unknown. With it, a site runs as many commands as the edge is
 * given. The real adapter keeps a socket for each unanswered INVITE, 10,240 at most (adapter/opensips/mi-client.ts).
 * @module
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { dialogState } from '../../../shared/opensips/evi.ts';
import {
  type EdgeMessage,
  LINK_VERSION,
  PING,
  PING_INTERVAL_MS,
  PONG,
} from '../../../shared/protocol/link.ts';

const OPENSIPS = { version: 'OpenSIPS (scripted)', next_hop: 'sip:127.0.0.1:5060', reachable: true };
const NOT_FOUND = { code: 404, message: 'Requested Dialog not found' };
const RINGING = { old_state: dialogState.unconfirmed, new_state: dialogState.ringing };

export interface ScriptedAdapter {
  /** Raises a ringing event of each external call numbered `from` to `to - 1`. */
  startExternalCalls(from: number, to: number): Promise<void>;
  /** Raises an event of each of these external calls: its dialog changes from one state to another. */
  changeExternalCalls(from: number, to: number, states: readonly [number, number]): Promise<void>;
}

/** Events in one frame. */
const EVENTS_PER_FRAME = 500;

/** Returns the reply to a `dlg_list` of one Call-ID. External calls are not listed page by page. */
function dialogReply(seq: number, id: string, callid: string, ended: ReadonlySet<string>): object {
  const [, number] = /^external-(\d+)@/.exec(callid) ?? [];
  if (number === undefined || ended.has(callid)) return { type: 'reply', seq, id, error: NOT_FOUND };
  const parties = { from_uri: 'sip:carol@192.0.2.7', to_uri: 'sip:dave@192.0.2.7' };
  const timestart = Math.floor(Date.now() / 1_000);
  const Dialog = { ID: `1.${number}`, state: dialogState.acknowledged, timestart, callid, ...parties };
  return { type: 'reply', seq, id, result: { Dialog } };
}

/** Connects to the edge, and serves it until the socket closes. */
export async function connectScriptedAdapter(url: string): Promise<ScriptedAdapter> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  const send = (message: object) => socket.send(JSON.stringify(message));
  let seq = 0;
  const ended = new Set<string>();
  const handle = (message: EdgeMessage): object[] => {
    if (message.type !== 'mi') return [];
    const { id, method, params } = message;
    if (method === 'dlg_list') return [dialogReply(++seq, id, String(params['callid'] ?? ''), ended)];
    if (method !== 't_uac_dlg') return [{ type: 'reply', seq: ++seq, id, error: NOT_FOUND }];
    const callid = /^Call-Id: (\S+)/m.exec(String(params['headers']))?.[1] ?? '';
    const event = { name: 'E_DLG_STATE_CHANGED', params: { id: `0.${seq}`, callid, ...RINGING } };
    return [{ type: 'event', seq: ++seq, at: Date.now(), ...event }];
  };
  socket.on('message', (bytes) => {
    const text = bytes.toString();
    if (text === PONG) return;
    const frame = JSON.parse(text) as EdgeMessage | EdgeMessage[];
    const replies = (Array.isArray(frame) ? frame : [frame]).flatMap(handle);
    if (replies.length > 0) send(replies);
  });
  const pingTimer = setInterval(() => socket.send(PING), PING_INTERVAL_MS);
  socket.on('close', () => clearInterval(pingTimer));
  socket.on('error', () => {});
  send({
    type: 'hello',
    version: LINK_VERSION,
    adapter: 'scripted',
    stream: 'scripted',
    base: 1,
    opensips: OPENSIPS,
  });
  const adapter: ScriptedAdapter = {
    startExternalCalls(from, to) {
      return adapter.changeExternalCalls(from, to, [RINGING.old_state, RINGING.new_state]);
    },
    async changeExternalCalls(from, to, [oldState, newState]) {
      const states = { old_state: oldState, new_state: newState };
      for (let first = from; first < to; first += EVENTS_PER_FRAME) {
        const events = Array.from({ length: Math.min(EVENTS_PER_FRAME, to - first) }, (_, n) => {
          const callid = `external-${first + n}@192.0.2.7`;
          if (newState === dialogState.ended) ended.add(callid);
          const params = { id: `1.${first + n}`, callid, ...states };
          return { type: 'event', seq: ++seq, at: Date.now(), name: 'E_DLG_STATE_CHANGED', params };
        });
        send(events);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
  return adapter;
}
