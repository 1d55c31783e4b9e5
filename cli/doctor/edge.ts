/** The checks through the edge, in the order of the path from here to the phones. @module */
import { DiagnosisResult } from '../../shared/protocol/rpc/diagnosis.ts';
import { errorCode } from '../../shared/protocol/rpc/jsonrpc.ts';
import { Failure } from '../exit.ts';
import { formatDuration } from '../output/labels.ts';
import type { Settings } from '../settings/settings.ts';
import { openEdgeTransport } from '../transport/edge.ts';
import { requestOnce, requestRoute } from '../transport/edge-connection.ts';
import { clockFinding } from './clock.ts';
import { diagnoseCredential } from './credential.ts';
import { faulty, passed, type Report, unchecked } from './finding.ts';
import { modulesFinding, subscriptionsFinding, versionFinding } from './opensips.ts';
import { makeTestCall, testCallFindings } from './test-call.ts';

/** Reports each finding as it is made. Returns why the other checks were not reached, as a sentence. */
export async function checkThroughEdge(
  settings: Settings,
  testAddress: string | undefined,
  report: Report,
): Promise<string> {
  if (!(await checkEdge(settings, report))) return 'no edge is reached';
  const scopes = await checkToken(settings, report);
  if (!scopes) return 'nobody is let in';
  if (!scopes.includes('read')) return 'the key or token lacks the scope read';
  const diagnosis = await requestDiagnosis(settings);
  if (typeof diagnosis === 'string') return diagnosis;
  if (!checkLink(diagnosis, report)) return 'no adapter is connected';
  if (!checkOpenSips(diagnosis, report)) return 'OpenSIPS does not answer MI';
  if (testAddress === undefined)
    return 'give --test-address, a phone that may be called for a moment: then the script and the events are seen at work';
  if (!scopes.includes('CallStart') || !scopes.includes('CallEnd'))
    return 'a test call needs the scopes CallStart and CallEnd';
  await checkTestCall(settings, testAddress, diagnosis.opensips?.next_hop ?? '', report);
  return '';
}

async function checkEdge(settings: Settings, report: Report): Promise<boolean> {
  const { edge, timeoutMs } = settings;
  try {
    // Without the token, since a bad one belongs to the next check.
    const anonymous = { edge: { ...edge, site: undefined }, token: undefined, timeoutMs };
    const { status, body, date, ms } = await requestRoute(anonymous, '/healthz');
    const version =
      typeof body === 'object' && body !== null && 'version' in body ? String(body.version) : undefined;
    if (version === undefined) {
      report(
        faulty(
          'edge',
          `what answers at ${edge.origin} is no edge (${status})`,
          'check --url (CALL_API): it takes the address of the edge, such as wss://calls.example.com',
        ),
      );
      return false;
    }
    report(passed('edge', `${edge.origin} answers, version ${version}, in ${Math.round(ms)} ms`));
    // The date is from the middle of the round trip, and is in whole seconds.
    if (date === null) report(unchecked('clock', 'not checked: the edge does not date its answers'));
    else report(clockFinding(Date.parse(date) + 500, Date.now() - ms / 2, 'the edge'));
    return true;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    report(
      faulty(
        'edge',
        error.message,
        'check --url (CALL_API), the name, the network and the firewall; npm start runs an edge on this machine',
      ),
    );
    return false;
  }
}

/** Returns the scopes of the credential; undefined where it is refused. */
async function checkToken(settings: Settings, report: Report): Promise<readonly string[] | undefined> {
  const { edge, token: credential } = settings;
  const { status, body } = await requestRoute(settings, '/v1/me');
  if (status === 200) {
    const { tenant, site, subject, scopes, expires } = body as {
      readonly tenant: string;
      readonly site: string;
      readonly subject: string;
      readonly scopes: readonly string[];
      readonly expires?: string;
    };
    const until = expires === undefined ? '' : `, until ${expires}`;
    report(passed('token', `${subject} at ${tenant}/${site} may ${scopes.join(', ') || 'nothing'}${until}`));
    return scopes;
  }
  if (status === 400) {
    report(
      faulty(
        'token',
        `the key is for several sites, or ${edge.site ?? 'none'} is no name of one`,
        'name the site: --site (CALL_API_SITE)',
      ),
    );
    return undefined;
  }
  if (edge.site !== undefined) {
    const anywhere = await requestRoute({ ...settings, edge: { ...edge, site: undefined } }, '/v1/me');
    // 400 asks a key for several sites which one it means: so the key is valid.
    if (anywhere.status === 200 || anywhere.status === 400) {
      report(
        faulty(
          'token',
          `the key holds, but not at a site ${edge.site}: there is none of that name, or the key is for another`,
          'check --site (CALL_API_SITE): call-api admin site list TENANT tells the names',
        ),
      );
      return undefined;
    }
  }
  const { says, mend } = diagnoseCredential(credential, Date.now());
  report(faulty('token', says, mend));
  return undefined;
}

/** Returns the diagnosis of the edge, or a sentence that says why there is none. */
async function requestDiagnosis(settings: Settings): Promise<DiagnosisResult | string> {
  const { result, error } = await requestOnce(settings, 'Diagnose', {});
  if (error?.code === errorCode.methodNotFound) return 'this edge is older and knows no Diagnose: update it';
  if (error) return `the edge does not tell: ${typeof error.data === 'string' ? error.data : error.message}`;
  const parsed = DiagnosisResult.safeParse(result);
  return parsed.success
    ? parsed.data
    : 'the edge tells what this version does not understand: update call-api';
}

function checkLink(
  { link: { connected, adapter = '', seconds = 0, round_trip_ms: ms } }: DiagnosisResult,
  report: Report,
): boolean {
  if (!connected) {
    report(
      faulty(
        'adapter',
        'no adapter is connected',
        'start it beside OpenSIPS (npm run adapter); where it runs, its log says why it is refused: its key (ADAPTER_KEY), the address of the edge (EDGE_URL), or another adapter at this site',
      ),
    );
    return false;
  }
  report(passed('adapter', `${adapter} is connected for ${formatDuration(seconds * 1_000)}`));
  report(
    ms === undefined
      ? faulty('round trip', 'the adapter does not answer the edge', 'restart the adapter, and see its log')
      : passed('round trip', `${ms} ms from the edge to the adapter and back`),
  );
  return true;
}

/** Returns whether MI answers. */
function checkOpenSips(
  { opensips: health, up_since, missing, subscriptions, unanswered }: DiagnosisResult,
  report: Report,
): boolean {
  if (unanswered.uptime === 'refused') {
    report(
      unchecked(
        'mi',
        'not checked: the adapter does not allow it; update it, or add uptime,which,subscribers_list to its --allow',
      ),
    );
    return false;
  }
  if (up_since === undefined) {
    report(
      faulty(
        'mi',
        `OpenSIPS does not answer the adapter (${unanswered.uptime ?? 'no answer'})`,
        'see whether OpenSIPS runs, and whether --opensips (OPENSIPS_MI) of the adapter is the socket_name of its mi_datagram',
      ),
    );
    return false;
  }
  report(passed('mi', `OpenSIPS answers; it is up since ${up_since}`));
  report(versionFinding(health?.version ?? ''));
  report(
    missing
      ? modulesFinding(missing)
      : unchecked('modules', `not checked: which is not answered (${unanswered.which ?? ''})`),
  );
  report(
    subscriptions
      ? subscriptionsFinding(subscriptions)
      : unchecked(
          'subscriptions',
          `not checked: subscribers_list is not answered (${unanswered.subscribers_list ?? ''})`,
        ),
  );
  return true;
}

async function checkTestCall(
  settings: Settings,
  address: string,
  nextHop: string,
  report: Report,
): Promise<void> {
  const transport = openEdgeTransport(settings, () => {});
  const startedAt = performance.now();
  const result = await makeTestCall(transport, address).finally(() => transport.close());
  const after = await requestDiagnosis(settings);
  const lastEventMs = typeof after === 'string' ? undefined : after.last_event_ms;
  const hasEvents = lastEventMs !== undefined && lastEventMs < performance.now() - startedAt;
  for (const finding of testCallFindings(result, hasEvents, nextHop)) report(finding);
}
