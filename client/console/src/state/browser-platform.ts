/** The platform of the connection in a browser. @module */
import { type Platform, webPlatform } from '../../../connection/platform.ts';

const { isTokenRejected: _, ...platform } = webPlatform(WebSocket);

/** Without `isTokenRejected`: the console checks the token itself, because it shows the reason. */
export const browserPlatform: Platform = platform;
