/** Dials an adapter: one attempt, from the request to the adapter's proof. @module */
import type { DialTarget } from '../../shared/policy/link-setting.ts';
import { closeReason } from '../../shared/protocol/close-reason.ts';
import { PROOF_HEADER } from '../../shared/protocol/dial.ts';
import { closeCode } from '../../shared/protocol/link.ts';
import { createNonce, signDialToken } from '../auth/dial-token.ts';
import type { AdapterPrincipal } from '../auth/principal.ts';
import { type AdapterNetworks, networkFor, unsafeUrlReason } from '../objects/adapter-networks.ts';
import { type AdapterProof, type Challenge, parseProof } from '../objects/adapter-proof.ts';

/** How long an adapter may take to answer, in milliseconds: a command that waits for it ends then. */
export const HANDSHAKE_TIMEOUT_MS = 5_000;

/** A proof, and what it must cover. */
export interface ProofToVerify extends AdapterProof, Challenge {
  readonly siteName: string;
}

/** Returns who has made a proof, or undefined where it is wrong. */
export type VerifyProof = (proof: ProofToVerify) => Promise<AdapterPrincipal | undefined>;

/** The adapter's socket, not accepted yet, and who has proved to be there; or why there is none. */
export type DialResult =
  | { readonly socket: WebSocket; readonly principal: AdapterPrincipal }
  | {
      readonly failure: string;
      /** What the platform says, for the log. */
      readonly detail?: string;
    };

/** RFC 6455 §7.4.1: the endpoint goes away. */
export const GOING_AWAY = 1001;

const WRONG_PROOF =
  'The adapter did not prove that it has a valid key of this site. Check its --key, and that --url is the address of its listener.';

/** Never rejects. */
export async function dialAdapter(
  { url, siteName }: DialTarget,
  env: Env & AdapterNetworks,
  verify: VerifyProof,
): Promise<DialResult> {
  const unsafe = unsafeUrlReason(url, env);
  if (unsafe !== undefined) return { failure: unsafe };
  const [tenant = '', site = ''] = siteName.split('/');
  const [audience, jti] = [new URL(url).origin, createNonce()];
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), HANDSHAKE_TIMEOUT_MS);
  try {
    const token = await signDialToken({ audience, tenant, site, jti }, env, Date.now());
    if (token === undefined)
      return { failure: 'This edge cannot sign. Set KEY_SECRETS, a secret of the deployment.' };
    const response = await networkFor(url, env).fetch(url, {
      headers: { Upgrade: 'websocket', Authorization: `Bearer ${token}` },
      redirect: 'manual',
      signal: timeout.signal,
    });
    const { webSocket: socket } = response;
    if (!socket) {
      await response.body?.cancel().catch(() => {});
      return { failure: statusFailure(response.status) };
    }
    const proof = parseProof(response.headers.get(PROOF_HEADER));
    return await admit(socket, proof && { ...proof, siteName, audience, jti }, verify);
  } catch (error) {
    if (timeout.signal.aborted)
      return {
        failure: `The adapter did not answer within ${HANDSHAKE_TIMEOUT_MS / 1_000} s. Check that it runs, and that a firewall lets the edge through.`,
      };
    return {
      failure:
        'The adapter could not be reached. Check the host name, port and certificate, and that the address is public.',
      detail: error instanceof Error ? error.message : String(error),
    };
  } finally {
    clearTimeout(timer);
  }
}

/** Returns the socket if the proof is right; closes it otherwise. */
async function admit(
  socket: WebSocket,
  proof: ProofToVerify | undefined,
  verify: VerifyProof,
): Promise<DialResult> {
  try {
    const principal = proof && (await verify(proof));
    if (principal) return { socket, principal };
  } catch (error) {
    closeUnused(socket, GOING_AWAY, 'The key could not be verified.');
    return {
      failure: 'The key of the adapter could not be verified. It is tried again.',
      detail: String(error),
    };
  }
  closeUnused(socket, closeCode.unauthorized, 'The proof of the adapter’s key is missing or wrong.');
  return { failure: WRONG_PROOF };
}

/** Closes a socket that was not accepted. */
export function closeUnused(socket: WebSocket, code: number, reason: string): void {
  socket.accept();
  socket.close(code, closeReason(reason));
}

function statusFailure(status: number): string {
  if (status >= 300 && status < 400)
    return `The URL answered ${status}, and redirects are not followed. Set the URL that it redirects to.`;
  if (status === 401)
    return 'The adapter answered 401: it does not accept this edge. Check its --edge, --public-url and --key, and its clock.';
  return `The URL answered ${status} instead of opening a WebSocket. Check that it leads to the adapter’s listener.`;
}
