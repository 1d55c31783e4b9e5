/** Isolation of tenants whose adapters the edge dials. */
import { testIsolation } from './isolation.ts';

testIsolation(true);
