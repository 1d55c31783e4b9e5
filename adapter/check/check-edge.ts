/** `--check`: tests the way to the edge step by step, from DNS to the version of the link. Nothing at the edge changes. @module */
import { once } from 'node:events';
import type { WebSocket } from 'ws';
import * as z from 'zod';
import { Checked, closeCode } from '../../shared/protocol/link.ts';
import { LINK_VERSIONS } from '../../shared/protocol/link-negotiation.ts';
import { explainError } from '../../shared/settings/error-reason.ts';
import { type DisconnectSummary, summarizeDisconnect, summarizeStatus } from '../link/disconnect-reason.ts';
import { dial, type LinkSettings } from '../link/link.ts';
import { sendHttpRequest } from '../network/http-request.ts';
import { createAgent } from '../network/network.ts';
import { SOFTWARE } from '../software.ts';
import { checkNetwork } from './check-network.ts';
import {
  failed,
  failedBecause,
  passed,
  type ReportStep,
  STEPS,
  type Step,
  type StepFinding,
  unchecked,
} from './finding.ts';

const SETTING = '--edge (EDGE_URL)';
const CHECK_URL = `Check ${SETTING}.`;

const EdgeHealth = z.object({ version: z.string() });

/**
 * Reports a finding for each step. Returns whether none has failed.
 * @param timeoutMs for each step
 */
export async function checkEdge(
  settings: LinkSettings,
  timeoutMs: number,
  report: ReportStep,
): Promise<boolean> {
  const reached = new Set<Step>();
  let isFine = true;
  const record: ReportStep = (finding) => {
    reached.add(finding.step);
    if (finding.state === 'failed') isFine = false;
    report(finding);
  };
  const target = { url: settings.edge, setting: SETTING, network: settings.network };
  if ((await checkNetwork(target, timeoutMs, record)) && (await checkHttp(settings, timeoutMs, record)))
    await checkLink(settings, timeoutMs, record);
  for (const step of STEPS)
    if (!reached.has(step)) report(unchecked(step, 'Not checked: a step before it has failed.'));
  return isFine;
}

/** Asks for `/healthz`, which needs no key. Returns whether a server answers that may be an edge. */
async function checkHttp(
  { edge, network }: LinkSettings,
  timeoutMs: number,
  report: ReportStep,
): Promise<boolean> {
  const url = new URL(edge.replace(/^ws/i, 'http'));
  url.pathname = url.pathname.replace(/adapter$/, 'healthz');
  url.search = '';
  try {
    const agent = createAgent(edge, network, timeoutMs);
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await sendHttpRequest(url.href, { agent, signal });
    const { status, headers } = response;
    const health = EdgeHealth.safeParse(parseJson(await response.text()));
    const finding =
      status === 200 && health.success
        ? passed('http', `The edge answers. Its release is ${health.data.version}.`)
        : otherAnswer(url.host, status, headers.get('content-type') ?? 'no content type');
    report(finding);
    return finding.state !== 'failed';
  } catch (error) {
    report(failedBecause('http', `${url.host} does not answer HTTP`, explainError(error), CHECK_URL));
    return false;
  }
}

function otherAnswer(host: string, status: number, contentType: string): StepFinding {
  // The path may be wrong, which is the next step.
  if (status === 404) return passed('http', `${host} answers.`);
  if (status === 429 || status >= 500)
    return failed(
      'http',
      `The edge at ${host} is not available (HTTP ${status}).`,
      'Try again in a minute. If this lasts, see the log of the edge.',
    );
  return failed(
    'http',
    `What answers at ${host} is not an edge: HTTP ${status}, ${contentType}.`,
    `A proxy or the sign-in page of a network may answer in its place: open the URL in a browser, or set HTTPS_PROXY. Otherwise check ${SETTING}.`,
  );
}

/** Opens a WebSocket as the adapter does, and asks for the version. */
async function checkLink(settings: LinkSettings, timeoutMs: number, report: ReportStep): Promise<void> {
  const socket = dial(settings, timeoutMs);
  try {
    const refusedWith = await opened(socket);
    if (refusedWith !== undefined) {
      reportRefusal(refusedWith, report);
      return;
    }
    report(passed('path', `${new URL(settings.edge).pathname} is the endpoint of adapters.`));
    report(
      passed(
        'key',
        settings.key === undefined ? 'The edge requires none.' : 'The edge accepts the adapter key.',
      ),
    );
    report(await checkVersion(socket, timeoutMs));
  } catch (error) {
    report(failedBecause('path', 'Cannot open the WebSocket', explainError(error), CHECK_URL));
  } finally {
    socket.on('error', () => {});
    socket.terminate();
  }
}

/** Returns undefined when the socket is open, or the HTTP status that refused it. */
function opened(socket: WebSocket): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve(undefined));
    socket.on('unexpected-response', (request, { statusCode = 0 }) => {
      resolve(statusCode);
      request.destroy();
    });
    socket.on('error', reject);
  });
}

function reportRefusal(status: number, report: ReportStep): void {
  const isKey = status === 401 || status === 403;
  if (isKey) report(passed('path', 'An edge answers at this path.'));
  report(failedWith(isKey ? 'key' : 'path', summarizeStatus(status)));
}

/** Its first sentence says what happened, the others what to do. */
function failedWith(step: Step, { message }: DisconnectSummary): StepFinding {
  const [problem = '', ...remedies] = message.split(/(?<=\.) /);
  return failed(step, problem, remedies.join(' '));
}

async function checkVersion(socket: WebSocket, timeoutMs: number): Promise<StepFinding> {
  const answers = Promise.race([
    once(socket, 'message', { signal: AbortSignal.timeout(timeoutMs) }).then(([data]) => String(data)),
    once(socket, 'close').then(([code, reason]) => ({ code: Number(code), reason: String(reason) })),
  ]);
  const offer = { version: LINK_VERSIONS.min, versions: LINK_VERSIONS, software: SOFTWARE };
  socket.send(JSON.stringify({ type: 'check', ...offer }));
  const answer = await answers.catch(() => undefined);
  if (answer === undefined)
    return failed('version', 'The edge has not answered in time.', 'Try again. If this lasts, see its log.');
  if (typeof answer === 'string') return checkedFinding(answer);
  if (answer.code === closeCode.protocol)
    return unchecked('version', 'Not checked: the edge is of release 0.2.0, which cannot be asked.');
  return failedWith('version', summarizeDisconnect({ by: 'close', ...answer }));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function checkedFinding(text: string): StepFinding {
  const checked = Checked.safeParse(parseJson(text));
  if (!checked.success)
    return failed('version', 'The answer of the edge is not understood.', 'Update the adapter.');
  const { version, software, adapter } = checked.data;
  const other = adapter === undefined ? 'No adapter is connected' : `The adapter ${adapter} is connected`;
  return passed(
    'version',
    `The edge (${software.version}) and this adapter (${SOFTWARE.version}) use version ${version} of the link. ${other}.`,
  );
}
