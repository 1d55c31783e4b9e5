/** The platform of the connection in a browser. @module */
import { type Platform, webPlatform } from '../../../connection/platform.ts';

const { checkToken: _, ...platform } = webPlatform(WebSocket);

/** Without `checkToken`: the console checks the token itself, because it shows the reason. */
export const browserPlatform: Platform = platform;
