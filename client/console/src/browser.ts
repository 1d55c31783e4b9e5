/** The browser, as the connection needs it. @module */
import type { Surroundings } from '../../connection.ts';
import { platform } from '../../platform.ts';

const { isRefused: _, ...same } = platform(WebSocket);

/** Whether a token is refused the page finds out by itself: it shows why. */
export const browser: Surroundings = same;
