/** Isolation of tenants whose adapters connect to the edge. */
import { testIsolation } from './isolation.ts';

testIsolation(false);
