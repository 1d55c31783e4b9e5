/** Requests `GET /healthz`: which adapter is connected, and its versions. @module */
import { isJsonObject } from '../../../connection/messages.ts';
import { authorizationHeader } from './me.ts';

/** As long as a socket may take to open. */
const TIMEOUT_MS = 10_000;

/** Returns a description of the connected adapter, for people. Never rejects. */
export async function describeAdapter(token: string | undefined): Promise<string> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch('/healthz', { headers: authorizationHeader(token), signal });
    const body: unknown = await response.json();
    return isJsonObject(body) && isJsonObject(body['link']) ? describeLink(body['link']) : 'unknown';
  } catch {
    return 'unknown';
  }
}

/** @param link the member of `/healthz` */
export function describeLink({ connected, ...link }: Readonly<Record<string, unknown>>): string {
  if (connected !== true) return isIdle(link['dial']) ? 'dialed when it is needed' : 'not connected';
  const { adapter, adapter_version: version, node_version: node } = link;
  const parts = [
    String(adapter),
    ...(typeof version === 'string' ? [`version ${version}`] : []),
    ...(typeof node === 'string' ? [`Node.js ${node}`] : []),
  ];
  return parts.join(' · ');
}

/** @param dial how the edge dials the adapter; absent if the adapter connects to the edge */
function isIdle(dial: unknown): boolean {
  return isJsonObject(dial) && dial['state'] === 'idle';
}
