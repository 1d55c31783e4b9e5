import { expect, it } from 'vitest';
import { EXIT } from '../exit.ts';
import type { Edge } from '../settings/settings.ts';
import { type ConnectError, failureFor } from './connect-error.ts';

const edgeAt = (shown: string, site?: string): Edge => ({ socket: '', origin: '', shown, site });
const EDGE = edgeAt('wss://calls.example.com');
const refused = (status: number, detail = ''): ConnectError => ({ type: 'refused', status, detail });

it.each<[string, ConnectError, Edge, string | undefined, string, number]>([
  [
    'a closed port',
    { type: 'unreachable', reason: 'connection refused' },
    EDGE,
    undefined,
    'Cannot connect to the edge at wss://calls.example.com: connection refused. Check --url (CALL_API).',
    EXIT.unreachable,
  ],
  [
    'a closed port of this machine',
    { type: 'unreachable', reason: 'connection refused' },
    edgeAt('ws://localhost:5059'),
    undefined,
    'Cannot connect to the edge at ws://localhost:5059: connection refused. Check --url (CALL_API). To start an edge on this machine, run npm start.',
    EXIT.unreachable,
  ],
  [
    'a certificate',
    { type: 'unreachable', reason: 'its TLS certificate has expired', remedy: 'Renew it.' },
    EDGE,
    undefined,
    'Cannot connect to the edge at wss://calls.example.com: its TLS certificate has expired. Renew it.',
    EXIT.unreachable,
  ],
  [
    'a missing site',
    refused(400, 'site: missing. This API key is for several sites.'),
    EDGE,
    'ca.key',
    'The API key is valid for several sites, and none is named. Use --site (CALL_API_SITE).',
    EXIT.usage,
  ],
  [
    'another wrong field',
    refused(400, 'session: "é" is not a session.'),
    EDGE,
    'ca.key',
    'The edge rejected the request (400): session: "é" is not a session.',
    EXIT.usage,
  ],
  [
    'no credential',
    refused(401),
    EDGE,
    undefined,
    'The edge at wss://calls.example.com requires an API key or a token. Set CALL_API_TOKEN, or use --token-file.',
    EXIT.notAllowed,
  ],
  [
    'a wrong site or credential',
    refused(401),
    edgeAt('wss://calls.example.com', 'nort'),
    'ca.key',
    'The edge rejected the API key or token for the site "nort". Check --site (CALL_API_SITE), and that the key or token is valid. Run call-api doctor for details.',
    EXIT.notAllowed,
  ],
  [
    'a wrong credential',
    refused(401),
    EDGE,
    'ca.key',
    'The edge rejected the API key or token: it is invalid, expired or revoked. Run call-api doctor for details.',
    EXIT.notAllowed,
  ],
  [
    'an origin',
    refused(403, 'This origin is not allowed.'),
    EDGE,
    'ca.key',
    'The edge at wss://calls.example.com does not allow this (403): This origin is not allowed.',
    EXIT.notAllowed,
  ],
  [
    'a full site',
    refused(503, 'Too many sockets are open.'),
    EDGE,
    'ca.key',
    'The edge at wss://calls.example.com is not available (503): Too many sockets are open. Try again in a minute.',
    EXIT.unreachable,
  ],
  [
    'another server',
    refused(200),
    EDGE,
    undefined,
    'What answers at wss://calls.example.com is not an edge (HTTP 200). Check --url (CALL_API).',
    EXIT.unreachable,
  ],
])('explains %s', (_, error, edge, token, message, exit) =>
  expect(failureFor(error, edge, token)).toMatchObject({ message, exit }),
);
