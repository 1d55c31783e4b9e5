/** Title and description of the API, for all documents. @module */

export const apiInfo = {
  title: 'The Call API on the edge',
  description:
    'Start, hold, transfer and end phone calls with JSON-RPC 2.0 over a WebSocket at `/call-api`, one message per frame. `x-added` marks what OpenSIPS’s own Call API does not have.',
} as const;
