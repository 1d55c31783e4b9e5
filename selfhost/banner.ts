/** What `npm start` prints when everything is running. Pure. @module */

/** The port that the command line and the adapter use by default. */
const DEFAULT_PORT = 5059;

/** Returns the text for tenants with API keys. */
export function tenantsBanner(port: number, data: string, secretsFile: string): string {
  return `
The Call API is up.
Console     http://localhost:${port} (asks for a token)
WebSocket   ws://localhost:${port}/call-api (needs an API key or a token)
Health      http://localhost:${port}/healthz
Secrets     ${secretsFile}

Create the first tenant in another terminal:
  export EDGE_URL=http://localhost:${port}
  export ADMIN_SECRET=$(node -p 'require("${secretsFile}").ADMIN_SECRET')
  npm run -s admin -- tenant create acme
  npm run -s admin -- site create acme north
  npm run -s admin -- key create acme --role adapter --site north
  npm run -s admin -- key create acme --role api

Then start its adapter with the adapter key:
  EDGE_URL=ws://localhost:${port}/adapter ADAPTER_KEY=… npm run adapter

Press Ctrl-C to stop. Tenants, calls and commands are kept in ${data}.
`;
}

/**
 * Returns the text for the open tenant.
 * @param opensips where its OpenSIPS is; undefined for the simulator
 * @param nextHop the SIP address of OpenSIPS, which is also the domain of the phones
 * @param dialPort where the edge dials the adapter; undefined: the adapter has connected to the edge
 */
export function demoBanner(
  port: number,
  data: string,
  opensips: string | undefined,
  nextHop: string,
  dialPort?: number,
): string {
  const link =
    dialPort === undefined
      ? ''
      : `Link        the edge connects to the adapter at port ${dialPort} when it needs it, and the adapter knocks (--dial)\n`;
  const url = port === DEFAULT_PORT ? '' : ` --url ws://localhost:${port}`;
  const parties = JSON.stringify({ caller: phoneAt(nextHop, 'alice'), callee: phoneAt(nextHop, 'bob') });
  return `
The Call API is up.
Console     http://localhost:${port}
WebSocket   ws://localhost:${port}/call-api
Health      http://localhost:${port}/healthz
OpenSIPS    ${opensips === undefined ? 'the simulator (its phones: simulator/README.md)' : `MI at ${opensips}, SIP at ${nextHop}`}
${link}
Start a call in another terminal:
  npm run call -- CallStart '${parties}'${url}

Press Ctrl-C to stop. Calls and commands are kept in ${data}.
`;
}

/** Returns the address of a phone behind a next hop. One with parameters names no domain. */
function phoneAt(nextHop: string, user: string): string {
  return /^sips?:[^;]*$/.test(nextHop)
    ? nextHop.replace(/^(sips?:)(.*@)?/, `$1${user}@`)
    : `sip:${user}@localhost`;
}
