/** What the documents say of the service as a whole. @module */

export const about = {
  title: 'The Call API on the edge',
  description:
    'Start, hold, transfer and end phone calls with JSON-RPC 2.0 over WebSocket, one message a frame, at `/call-api`. `x-added` marks what OpenSIPS’s own Call API does not have.',
} as const;
