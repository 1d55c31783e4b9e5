/** The checks through the edge, in the order of the way from here to the phones. @module */
import { DiagnosisResult } from '../../shared/diagnosis.ts';
import { code } from '../../shared/jsonrpc.ts';
import { askOnce, askRoute, openEdge } from '../edge.ts';
import { Failure } from '../exit.ts';
import type { Settings } from '../settings.ts';
import { lasting } from '../words.ts';
import { clockFinding } from './clock.ts';
import { suspicion } from './credential.ts';
import { type Finding, ill, unknown, well } from './finding.ts';
import { modulesFinding, subscriptionsFinding, versionFinding } from './opensips.ts';
import { testCall, testCallFindings } from './test-call.ts';

/** Tells each as it is found. What is not told could not be reached; the sentence that is returned says why. */
export async function throughEdge(
  settings: Settings,
  testAddress: string | undefined,
  tell: (finding: Finding) => void,
): Promise<string> {
  if (!(await edgeAndClock(settings, tell))) return 'no edge is reached';
  const scopes = await token(settings, tell);
  if (!scopes) return 'nobody is let in';
  if (!scopes.includes('read')) return 'the key or token lacks the scope read';
  const diagnosis = await diagnose(settings);
  if (typeof diagnosis === 'string') return diagnosis;
  if (!link(diagnosis, tell)) return 'no adapter is connected';
  if (!opensips(diagnosis, tell)) return 'OpenSIPS does not answer MI';
  if (testAddress === undefined)
    return 'give --test-address, a phone that may be called for a moment: then the script and the events are seen at work';
  if (!scopes.includes('CallStart') || !scopes.includes('CallEnd'))
    return 'a test call needs the scopes CallStart and CallEnd';
  await call(settings, testAddress, diagnosis.opensips?.next_hop ?? '', tell);
  return '';
}

async function edgeAndClock(settings: Settings, tell: (finding: Finding) => void): Promise<boolean> {
  const { edge, timeoutMs } = settings;
  try {
    // Without a token: a bad one is the next check's.
    const open = { edge: { ...edge, site: undefined }, token: undefined, timeoutMs };
    const { status, body, date, ms } = await askRoute(open, '/healthz');
    const version =
      typeof body === 'object' && body !== null && 'version' in body ? String(body.version) : undefined;
    if (version === undefined) {
      tell(
        ill(
          'edge',
          `what answers at ${edge.origin} is no edge (${status})`,
          'check --url (CALL_API): it takes the address of the edge, such as wss://calls.example.com',
        ),
      );
      return false;
    }
    tell(well('edge', `${edge.origin} answers, version ${version}, in ${Math.round(ms)} ms`));
    // Its date was right in the middle of the way there and back, and is in whole seconds.
    if (date === null) tell(unknown('clock', 'not checked: the edge does not date its answers'));
    else tell(clockFinding(Date.parse(date) + 500, Date.now() - ms / 2, 'the edge'));
    return true;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    tell(
      ill(
        'edge',
        error.message,
        'check --url (CALL_API), the name, the network and the firewall; npm start runs an edge on this machine',
      ),
    );
    return false;
  }
}

/** What it may do; undefined where it is refused. */
async function token(
  settings: Settings,
  tell: (finding: Finding) => void,
): Promise<readonly string[] | undefined> {
  const { edge, token: credential } = settings;
  const { status, body } = await askRoute(settings, '/v1/me');
  if (status === 200) {
    const { tenant, site, subject, scopes, expires } = body as {
      readonly tenant: string;
      readonly site: string;
      readonly subject: string;
      readonly scopes: readonly string[];
      readonly expires?: string;
    };
    const until = expires === undefined ? '' : `, until ${expires}`;
    tell(well('token', `${subject} at ${tenant}/${site} may ${scopes.join(', ') || 'nothing'}${until}`));
    return scopes;
  }
  if (status === 400) {
    tell(
      ill(
        'token',
        `the key is for several sites, or ${edge.site ?? 'none'} is no name of one`,
        'name the site: --site (CALL_API_SITE)',
      ),
    );
    return undefined;
  }
  if (edge.site !== undefined) {
    const anywhere = await askRoute({ ...settings, edge: { ...edge, site: undefined } }, '/v1/me');
    // A key for several is asked which one: so it holds.
    if (anywhere.status === 200 || anywhere.status === 400) {
      tell(
        ill(
          'token',
          `the key holds, but not at a site ${edge.site}: there is none of that name, or the key is for another`,
          'check --site (CALL_API_SITE): call-api admin site list TENANT tells the names',
        ),
      );
      return undefined;
    }
  }
  const { says, mend } = suspicion(credential, Date.now());
  tell(ill('token', says, mend));
  return undefined;
}

/** The edge's own word; a sentence where there is none. */
async function diagnose(settings: Settings): Promise<DiagnosisResult | string> {
  const { result, error } = await askOnce(settings, 'Diagnose', {});
  if (error?.code === code.methodNotFound) return 'this edge is older and knows no Diagnose: update it';
  if (error) return `the edge does not tell: ${typeof error.data === 'string' ? error.data : error.message}`;
  const read = DiagnosisResult.safeParse(result);
  return read.success ? read.data : 'the edge tells what this version does not understand: update call-api';
}

function link(
  { link: { connected, adapter = '', seconds = 0, round_trip_ms: ms } }: DiagnosisResult,
  tell: (finding: Finding) => void,
): boolean {
  if (!connected) {
    tell(
      ill(
        'adapter',
        'no adapter is connected',
        'start it beside OpenSIPS (npm run adapter); where it runs, its log says why it is refused: its key (ADAPTER_KEY), the address of the edge (EDGE_URL), or another adapter at this site',
      ),
    );
    return false;
  }
  tell(well('adapter', `${adapter} is connected for ${lasting(seconds * 1_000)}`));
  tell(
    ms === undefined
      ? ill('round trip', 'the adapter does not answer the edge', 'restart the adapter, and see its log')
      : well('round trip', `${ms} ms from the edge to the adapter and back`),
  );
  return true;
}

/** Whether MI answers. */
function opensips(
  { opensips: known, up_since, missing, subscriptions, unanswered }: DiagnosisResult,
  tell: (finding: Finding) => void,
): boolean {
  if (unanswered.uptime === 'refused') {
    tell(
      unknown(
        'mi',
        'not checked: the adapter does not allow it; update it, or add uptime,which,subscribers_list to its --allow',
      ),
    );
    return false;
  }
  if (up_since === undefined) {
    tell(
      ill(
        'mi',
        `OpenSIPS does not answer the adapter (${unanswered.uptime ?? 'no answer'})`,
        'see whether OpenSIPS runs, and whether --opensips (OPENSIPS_MI) of the adapter is the socket_name of its mi_datagram',
      ),
    );
    return false;
  }
  tell(well('mi', `OpenSIPS answers; it is up since ${up_since}`));
  tell(versionFinding(known?.version ?? ''));
  tell(
    missing
      ? modulesFinding(missing)
      : unknown('modules', `not checked: which is not answered (${unanswered.which ?? ''})`),
  );
  tell(
    subscriptions
      ? subscriptionsFinding(subscriptions)
      : unknown(
          'subscriptions',
          `not checked: subscribers_list is not answered (${unanswered.subscribers_list ?? ''})`,
        ),
  );
  return true;
}

async function call(
  settings: Settings,
  address: string,
  nextHop: string,
  tell: (finding: Finding) => void,
): Promise<void> {
  const line = openEdge(settings, () => {});
  const begun = performance.now();
  const outcome = await testCall(line, address).finally(() => line.close());
  const after = await diagnose(settings);
  const since = typeof after === 'string' ? undefined : after.last_event_ms;
  const cameEvents = since !== undefined && since < performance.now() - begun;
  for (const finding of testCallFindings(outcome, cameEvents, nextHop)) tell(finding);
}
