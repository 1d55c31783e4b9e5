/** Checks whether a phone accepts transfers (REFER), which it must to be the caller of a CallStart. @module */
import * as z from 'zod';
import { type MiRequester, resultOf } from './direct-mi.ts';
import { type Finding, faulty, passed, unchecked } from './finding.ts';
import { headerValuesOf, parseMessage } from './sip/message.ts';

/** What a phone says about itself. */
export interface PhoneAnswer {
  /** The final SIP status line, such as `200 OK`; why there is none otherwise. */
  readonly status: string;
  /** The methods in the header Allow; undefined without one. */
  readonly allow: readonly string[] | undefined;
}

const OptionsResult = z.object({ Status: z.string(), Message: z.string().optional() });

/** Asks a phone by OPTIONS outside of a call (RFC 3261 §11). OpenSIPS sends it to itself, so it passes the routing script. */
export async function askPhone(request: MiRequester, address: string, nextHop: string): Promise<PhoneAnswer> {
  const headers = `From: <${nextHop.replace(/^(sips?:)(?:[^@]*@)?/i, '$1call-api@')}>\r\nTo: <${address}>\r\n`;
  const response = await request('t_uac_dlg', {
    method: 'OPTIONS',
    ruri: address,
    next_hop: nextHop,
    headers,
  });
  const result = OptionsResult.safeParse(resultOf(response));
  if (!result.success) return { status: 'no response', allow: undefined };
  const { Status: status, Message: headerText = '' } = result.data;
  // MI gives the response without its first line.
  const message = parseMessage(`SIP/2.0 ${status}\r\n${headerText}`);
  const methods = message ? headerValuesOf(message, 'allow').map((method) => method.toUpperCase()) : [];
  return { status, allow: methods.length > 0 ? methods : undefined };
}

/** What a test call has shown of its phone. */
export interface TransferEvidence {
  /** The SIP status by which it refused the REFER. */
  readonly refusal: string | undefined;
  /** Whether it accepted the REFER. */
  readonly hasAccepted: boolean;
}

/** Returns the finding about a phone. */
export function phoneFinding(
  answer: PhoneAnswer | undefined,
  { refusal, hasAccepted }: TransferEvidence,
): Finding {
  if (refusal !== undefined) return refusing(`It refused the transfer of the test call: ${refusal}`);
  if (hasAccepted) return passed('phone', 'The test phone accepts transfers (REFER).');
  if (answer?.allow === undefined)
    return unchecked(
      'phone',
      answer === undefined || /^2/.test(answer.status)
        ? 'Not checked: the test phone does not say whether it accepts transfers (REFER). A call with it shows it.'
        : `Not checked: the response to OPTIONS was ${answer.status}.`,
    );
  return answer.allow.includes('REFER')
    ? passed('phone', 'The test phone accepts transfers (REFER).')
    : refusing(`The methods that it allows are ${answer.allow.join(', ')}`);
}

function refusing(evidence: string): Finding {
  return faulty(
    'phone',
    `The phone does not accept transfers (REFER), so it cannot be the caller of a CallStart. ${evidence}.`,
    'Enable call transfer by REFER in its settings, or use another phone.',
  );
}
