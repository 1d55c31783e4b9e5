/** The state of the link in HTTP responses. @module */
import * as z from 'zod';
import { OpenSipsStatus } from '../link.ts';
import { DiagnosisResult } from '../rpc/diagnosis.ts';

const { connected, adapter, adapter_version, node_version, adapters, dial } =
  DiagnosisResult.shape.link.shape;

export const LinkView = z.object({
  connected,
  adapter,
  adapter_version,
  node_version,
  adapters,
  opensips: OpenSipsStatus.optional(),
  dial,
  seconds: z.number().int().optional().meta({ description: 'seconds since the adapter connected' }),
});
