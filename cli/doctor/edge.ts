/** The checks through the edge, in the order of the path from here to the phones. @module */
import { checkNetwork } from '../../adapter/check/check-network.ts';
import { Me } from '../../shared/protocol/http/me.ts';
import { DiagnosisResult } from '../../shared/protocol/rpc/diagnosis.ts';
import { errorCode } from '../../shared/protocol/rpc/jsonrpc.ts';
import { quote } from '../../shared/settings/quote.ts';
import { adviceFor, EXIT, errorText, exitFor, Failure } from '../exit.ts';
import { withReason } from '../output/sentence.ts';
import type { Settings } from '../settings/settings.ts';
import { failureFor, SITE_MISSING } from '../transport/connect-error.ts';
import { openEdgeTransport } from '../transport/edge.ts';
import { requestOnce, requestRoute } from '../transport/edge-connection.ts';
import { checkEachOpenSips, checkLink } from './adapters.ts';
import { clockFinding } from './clock.ts';
import { diagnoseCredential } from './credential.ts';
import { faulty, passed, type Report, unchecked } from './finding.ts';
import { phoneFinding } from './phone.ts';
import { type TestCalls, testCallFindings, transferEvidence } from './test-call.ts';

/** Reports each finding as it is made. Returns why the other checks were not reached, as a sentence. */
export async function checkThroughEdge(
  settings: Settings,
  testAddress: string | undefined,
  report: Report,
  calls: TestCalls,
): Promise<string> {
  if (!(await checkEdge(settings, report))) return 'the edge cannot be reached.';
  const scopes = await checkToken(settings, report);
  if (typeof scopes === 'string') return scopes;
  if (!scopes.includes('read')) return 'the key or token does not have the scope read.';
  const diagnosis = await requestDiagnosis(settings);
  if (typeof diagnosis === 'string') return diagnosis;
  if (diagnosis instanceof Failure) {
    report(faulty('adapter', diagnosis.problem, diagnosis.remedy, diagnosis.exit));
    return 'the edge has not told what it knows.';
  }
  if (!checkLink(diagnosis, report)) return 'no adapter is connected.';
  if (!checkEachOpenSips(diagnosis, report)) return 'OpenSIPS does not answer MI.';
  if (testAddress === undefined) return 'use --test-address with a phone that may be called for a moment.';
  if (!scopes.includes('CallStart') || !scopes.includes('CallEnd'))
    return 'a test call needs the scopes CallStart and CallEnd.';
  await checkTestCall(settings, testAddress, diagnosis.opensips?.next_hop ?? '', report, calls);
  return '';
}

async function checkEdge(settings: Settings, report: Report): Promise<boolean> {
  const { edge, timeoutMs, network } = settings;
  try {
    // Without the token, since a bad one belongs to the next check.
    const anonymous = { edge: { ...edge, site: undefined }, token: undefined, timeoutMs, network };
    const { status, body, date, ms } = await requestRoute(anonymous, '/healthz');
    const version =
      typeof body === 'object' && body !== null && 'version' in body ? String(body.version) : undefined;
    if (version === undefined) {
      report(
        faulty(
          'edge',
          `What answers at ${edge.shown} is not an edge (HTTP ${status}).`,
          'Check --url (CALL_API): it is the URL of the edge, such as wss://calls.example.com.',
          EXIT.unreachable,
        ),
      );
      return false;
    }
    report(
      passed('edge', `The edge at ${edge.shown} answers in ${Math.round(ms)} ms. Its version is ${version}.`),
    );
    // The date is from the middle of the round trip, and is in whole seconds.
    if (date === null) report(unchecked('clock', 'Not checked: the responses of the edge have no date.'));
    else report(clockFinding(Date.parse(date) + 500, Date.now() - ms / 2, 'the edge'));
    return true;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    await showWhereItEnds(settings, report);
    report(faulty('edge', error.problem, error.remedy, error.exit));
    return false;
  }
}

/** Shows at which step the way to the edge ends. */
async function showWhereItEnds({ edge, timeoutMs, network }: Settings, report: Report): Promise<void> {
  const target = { url: edge.socket, setting: '--url (CALL_API)', network };
  await checkNetwork(target, timeoutMs, ({ step, state, says, remedy = '' }) => {
    if (state === 'failed') report(faulty(step, says, remedy, EXIT.unreachable));
    else report(state === 'passed' ? passed(step, says) : unchecked(step, says));
  });
}

const REJECTED = 'the edge rejected the key or token.';
const UNKNOWN_CREDENTIAL = 'the edge has not told whether the key or token is valid.';

/** Returns the scopes of the credential, or a sentence that says why there are none. */
async function checkToken(settings: Settings, report: Report): Promise<readonly string[] | string> {
  const { edge, token: credential } = settings;
  const fail = ({ problem, remedy, exit }: Failure) => {
    report(faulty('token', problem, remedy, exit));
    return UNKNOWN_CREDENTIAL;
  };
  const answer = await requestCredential(settings);
  if (answer instanceof Failure) return fail(answer);
  const { status, body } = answer;
  if (status === 200) {
    const { tenant, site, subject, scopes, expires } = body as {
      readonly tenant: string;
      readonly site: string;
      readonly subject: string;
      readonly scopes: readonly string[];
      readonly expires?: string;
    };
    const until = expires === undefined ? '' : ` until ${expires}`;
    report(
      passed(
        'token',
        `${subject} at ${tenant}/${site} has the scopes ${scopes.join(', ') || '(none)'}${until}.`,
      ),
    );
    return scopes;
  }
  if (status === 400) {
    report(
      faulty(
        'token',
        SITE_MISSING,
        'Use --site (CALL_API_SITE). An administrator lists the names with: call-api admin site list TENANT',
        EXIT.usage,
      ),
    );
    return 'no site is named.';
  }
  if (edge.site !== undefined) {
    const anywhere = await requestCredential({ ...settings, edge: { ...edge, site: undefined } });
    if (anywhere instanceof Failure) return fail(anywhere);
    // 400 asks a key for several sites which one it means: so the key is valid.
    if (anywhere.status === 200 || anywhere.status === 400) {
      report(
        faulty(
          'token',
          `The key or token is valid, but not for the site ${quote(edge.site)}: there is no such site, or the key is for another one.`,
          'Check --site (CALL_API_SITE). An administrator lists the names with: call-api admin site list TENANT',
          EXIT.notAllowed,
        ),
      );
      return REJECTED;
    }
  }
  const { says, mend } = diagnoseCredential(credential, Date.now());
  report(faulty('token', says, mend, EXIT.notAllowed));
  return REJECTED;
}

/**
 * Returns what the edge says of a credential: 200, 400 where it needs the name of a site, or 401. Any other answer says nothing
 * about it, and is a failure, as is 400 for another reason.
 */
async function requestCredential(
  settings: Settings,
): Promise<{ readonly status: number; readonly body: unknown } | Failure> {
  const answer = await requestRoute(settings, '/v1/me').catch(failureOrThrow);
  if (answer instanceof Failure) return answer;
  const { status, body, detail } = answer;
  const needsSite = status === 400 && detail.startsWith('site:');
  if (status === 200 ? Me.safeParse(body).success : needsSite || status === 401) return answer;
  return failureFor({ type: 'refused', ...answer }, settings.edge, settings.token);
}

function failureOrThrow(error: unknown): Failure {
  if (error instanceof Failure) return error;
  throw error;
}

/** Returns the diagnosis of the edge, why there is none, or a sentence if this key or token may not have one. */
async function requestDiagnosis(settings: Settings): Promise<DiagnosisResult | Failure | string> {
  const answer = await requestOnce(settings, 'Diagnose', {}).catch(failureOrThrow);
  if (answer instanceof Failure) return answer;
  const { result, error } = answer;
  if (error?.code === errorCode.methodNotFound)
    return new Failure(EXIT.failed, 'The edge is too old to know the method Diagnose.', 'Update it.');
  if (error?.code === errorCode.notAllowed)
    return withReason('the edge does not allow this key or token to diagnose', errorText(error));
  if (error)
    return new Failure(
      exitFor(error.code),
      withReason('The edge rejected the request Diagnose', errorText(error)),
      adviceFor(error.code),
    );
  const parsed = DiagnosisResult.safeParse(result);
  return parsed.success
    ? parsed.data
    : new Failure(EXIT.failed, 'This version of call-api does not understand the edge.', 'Update call-api.');
}

async function checkTestCall(
  settings: Settings,
  address: string,
  nextHop: string,
  report: Report,
  calls: TestCalls,
): Promise<void> {
  const transport = openEdgeTransport(settings, () => {});
  const startedAt = performance.now();
  const result = await calls.makeCall(transport, address).finally(() => transport.close());
  const after = await requestDiagnosis(settings);
  const lastEventMs = after instanceof Failure || typeof after === 'string' ? undefined : after.last_event_ms;
  const hasEvents = lastEventMs !== undefined && lastEventMs < performance.now() - startedAt;
  for (const finding of testCallFindings(result, hasEvents, nextHop)) report(finding);
  const evidence = transferEvidence(result);
  // Most phones ring, and are not transferred.
  if (evidence.refusal !== undefined || evidence.hasAccepted) report(phoneFinding(undefined, evidence));
}
