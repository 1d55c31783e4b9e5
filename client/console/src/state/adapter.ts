/** Requests `GET /healthz`: which adapters are connected, and their versions. @module */
import { isJsonObject } from '../../../connection/messages.ts';
import { authorizationHeader } from './me.ts';

/** As long as a socket may take to open. */
const TIMEOUT_MS = 10_000;

/** Returns a description of the connected adapters, for people. Never rejects. */
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
  const { adapter, adapter_version: version, node_version: node, adapters } = link;
  const others = Array.isArray(adapters)
    ? adapters
        .filter(isJsonObject)
        .filter((each) => each['adapter'] !== adapter)
        .map(describeOther)
    : [];
  const active = [String(adapter), ...versions(version, node)].join(' · ');
  return [active, ...others].join('; ');
}

function describeOther({
  adapter,
  role,
  version,
  node,
  reachable,
}: Readonly<Record<string, unknown>>): string {
  if (role === 'lost') return `lost: ${adapter}`;
  const problem = reachable === true ? [] : ['its OpenSIPS does not answer'];
  const name = role === 'standby' ? `standby: ${adapter}` : String(adapter);
  return [name, ...versions(version, node), ...problem].join(' · ');
}

function versions(version: unknown, node: unknown): string[] {
  return [
    ...(typeof version === 'string' ? [`version ${version}`] : []),
    ...(typeof node === 'string' ? [`Node.js ${node}`] : []),
  ];
}

/** @param dial how the edge dials the adapter; absent if the adapter connects to the edge */
function isIdle(dial: unknown): boolean {
  return isJsonObject(dial) && dial['state'] === 'idle';
}
