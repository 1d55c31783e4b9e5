/**
 * Generates request samples in curl, JavaScript and Python for the OpenAPI document (`x-codeSamples`, which Redoc and other
 * viewers show). The URL and the credentials are environment variables, under the names that the command line has for
 * them. Pure.
 * @module
 */
import type { Credential } from './operation.ts';

/** A sample as in the extension `x-codeSamples`. */
export interface CodeSample {
  readonly lang: 'Shell' | 'JavaScript' | 'Python';
  readonly label: 'curl' | 'JavaScript' | 'Python';
  readonly source: string;
}

/** How the response is read. */
export type ResponseKind = FetchedKind | 'socket';
type FetchedKind = 'json' | 'text' | 'stream';

export interface SampleRequest {
  readonly method: string;
  /** With the values of its parameters and its query. */
  readonly path: string;
  readonly credential: Credential;
  readonly body?: unknown;
  readonly responseKind: ResponseKind;
}

/** The environment variable of the base URL, such as `https://calls.example.com`. */
export const URL_VARIABLE = 'EDGE_URL';

/** The environment variable of each credential. */
export const CREDENTIAL_VARIABLES: Readonly<Record<Credential, string | undefined>> = {
  client: 'CALL_API_TOKEN',
  apiKey: 'CALL_API_TOKEN',
  adapterKey: 'ADAPTER_KEY',
  admin: 'ADMIN_SECRET',
  none: undefined,
};

/** Returns a sample of the request in each language. */
export function createCodeSamples(request: SampleRequest): CodeSample[] {
  const { responseKind } = request;
  const isSocket = responseKind === 'socket';
  return [
    { lang: 'Shell', label: 'curl', source: curl(request) },
    {
      lang: 'JavaScript',
      label: 'JavaScript',
      source: isSocket ? javaScriptSocket(request) : javaScript(request, responseKind),
    },
    {
      lang: 'Python',
      label: 'Python',
      source: isSocket ? pythonSocket(request) : python(request, responseKind),
    },
  ];
}

/** The handshake of RFC 6455 §4.1, with the key of its example. */
const UPGRADE_HEADERS = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

/** `--no-buffer` prints events as they arrive, `--location` follows redirects. */
const CURL_OPTIONS: Readonly<Record<ResponseKind, readonly string[]>> = {
  json: [],
  text: ['--location'],
  stream: ['--no-buffer'],
  socket: ['--include', '--http1.1', '--no-buffer'],
};

function curl({ method, path, credential, body, responseKind }: SampleRequest): string {
  const variable = CREDENTIAL_VARIABLES[credential];
  const options = [...CURL_OPTIONS[responseKind], ...(method === 'GET' ? [] : [`-X ${method}`])];
  return [
    ['curl', ...options, `"$${URL_VARIABLE}${path}"`].join(' '),
    ...(variable ? [`-H "Authorization: Bearer $${variable}"`] : []),
    ...(responseKind === 'socket' ? UPGRADE_HEADERS.map((header) => `-H '${header}'`) : []),
    ...(body === undefined ? [] : [`-H 'Content-Type: application/json'`, `-d '${shellJson(body)}'`]),
  ].join(' \\\n  ');
}

/** Lines of a sample longer than this are cut off on most screens. */
const MAX_LINE_LENGTH = 60;

/** Returns JSON for single quotes of a shell, on several lines if it is long. */
function shellJson(value: unknown): string {
  const line = JSON.stringify(value);
  const json = line.length > MAX_LINE_LENGTH ? indent(JSON.stringify(value, null, 2), 2) : line;
  return json.replaceAll("'", "'\\''");
}

const JAVASCRIPT_READERS: Readonly<Record<FetchedKind, string>> = {
  json: 'console.log(await response.json());',
  text: 'console.log(await response.text());',
  stream: 'for await (const text of response.body.pipeThrough(new TextDecoderStream())) console.log(text);',
};

function javaScript({ method, path, credential, body }: SampleRequest, responseKind: FetchedKind): string {
  const variable = CREDENTIAL_VARIABLES[credential];
  const headers = [
    ...(variable ? [`    Authorization: \`Bearer \${process.env.${variable}}\`,`] : []),
    ...(body === undefined ? [] : [`    'Content-Type': 'application/json',`]),
  ];
  const options = [
    ...(method === 'GET' ? [] : [`  method: '${method}',`]),
    ...(headers.length > 0 ? ['  headers: {', ...headers, '  },'] : []),
    ...(body === undefined ? [] : [`  body: JSON.stringify(${indent(JSON.stringify(body, null, 2), 2)}),`]),
  ];
  const url = `\`\${process.env.${URL_VARIABLE}}${path}\``;
  return [
    options.length > 0
      ? `const response = await fetch(${url}, {\n${options.join('\n')}\n});`
      : `const response = await fetch(${url});`,
    'if (!response.ok) throw new Error(await response.text());',
    JAVASCRIPT_READERS[responseKind],
  ].join('\n');
}

const PYTHON_READERS: Readonly<Record<FetchedKind, string>> = {
  json: 'print(response.json())',
  text: 'print(response.text)',
  stream: 'for line in response.iter_lines(decode_unicode=True):\n    print(line)',
};

function python({ method, path, credential, body }: SampleRequest, responseKind: FetchedKind): string {
  const variable = CREDENTIAL_VARIABLES[credential];
  return [
    'import os',
    'import requests',
    '',
    `response = requests.${method.toLowerCase()}(`,
    `    os.environ["${URL_VARIABLE}"] + ${JSON.stringify(path)},`,
    ...(variable ? [`    headers={"Authorization": "Bearer " + os.environ["${variable}"]},`] : []),
    ...(body === undefined ? [] : [`    json=${indent(pythonLiteral(body), 4)},`]),
    ...(responseKind === 'stream' ? ['    stream=True,'] : []),
    ')',
    'response.raise_for_status()',
    PYTHON_READERS[responseKind],
  ].join('\n');
}

/** WebSockets of JavaScript cannot send headers, so the credential is a subprotocol. */
function javaScriptSocket({ path, credential }: SampleRequest): string {
  return [
    `const url = process.env.${URL_VARIABLE}.replace('http', 'ws');`,
    `const socket = new WebSocket(\`\${url}${path}\`, [`,
    `  'call-api.v1',`,
    `  \`call-api.token.\${process.env.${CREDENTIAL_VARIABLES[credential]}}\`,`,
    ']);',
    `socket.addEventListener('message', ({ data }) => console.log(data));`,
  ].join('\n');
}

function pythonSocket({ path, credential }: SampleRequest): string {
  return [
    'import os',
    'from websockets.sync.client import connect',
    '',
    `url = os.environ["${URL_VARIABLE}"].replace("http", "ws", 1) + ${JSON.stringify(path)}`,
    `headers = {"Authorization": "Bearer " + os.environ["${CREDENTIAL_VARIABLES[credential]}"]}`,
    'with connect(url, additional_headers=headers) as socket:',
    '    for message in socket:',
    '        print(message)',
  ].join('\n');
}

/** Returns JSON as a Python literal. */
function pythonLiteral(value: unknown): string {
  const constants: Readonly<Record<string, string>> = { true: 'True', false: 'False', null: 'None' };
  return JSON.stringify(value, null, 4).replace(
    /"(?:[^"\\]|\\.)*"|true|false|null/g,
    (token) => constants[token] ?? token,
  );
}

/** Indents all lines of a text but the first. */
function indent(text: string, spaces: number): string {
  return text.replaceAll('\n', `\n${' '.repeat(spaces)}`);
}
