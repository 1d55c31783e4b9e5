/** The Dialer of a developer's machine: the adapter of the open tenant `demo` has no API key. @module */
import { DEMO_KEY_ID } from '../../shared/protocol/dial.ts';
import { DEMO_SITE, demoPolicy } from '../auth/demo-authenticator.ts';
import { hashSecret } from '../auth/key-text.ts';
import type { AdapterPrincipal } from '../auth/principal.ts';
import { timingSafeEqual } from '../auth/timing-safe-equal.ts';
import { computeProof } from '../objects/adapter-proof.ts';
import type { ProofToVerify } from './connect.ts';
import { Dialer } from './dialer.ts';

export class DemoDialer extends Dialer {
  protected override async verifyProof(proof: ProofToVerify): Promise<AdapterPrincipal | undefined> {
    if (proof.siteName !== DEMO_SITE) return super.verifyProof(proof);
    const { ADAPTER_KEY } = this.env;
    if (!ADAPTER_KEY || proof.keyId !== DEMO_KEY_ID) return undefined;
    const expected = await computeProof(await hashSecret(ADAPTER_KEY), proof);
    if (!(await timingSafeEqual(expected, proof.mac))) return undefined;
    return { role: 'adapter', key: DEMO_KEY_ID, policy: demoPolicy(this.env) };
  }
}
