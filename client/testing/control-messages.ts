/** The messages between a test and the fake server, as JSON on the control socket. @module */

/** What a test tells the fake server to do. */
export type ControlRequest =
  | { readonly type: 'send'; readonly socket: number; readonly frames: readonly string[] }
  | { readonly type: 'close'; readonly socket: number; readonly code: number }
  /** Terminates the connection without a close frame. */
  | { readonly type: 'terminate'; readonly socket: number }
  /** Answers upgrades with this HTTP status from now on; 0 accepts them. */
  | { readonly type: 'refuse'; readonly id: number; readonly status: number }
  /** Runs a host action by its name. */
  | { readonly type: 'action'; readonly id: number; readonly name: string };

/** What the fake server reports to a test. */
export type ControlEvent =
  | { readonly type: 'ready'; readonly url: string }
  | {
      readonly type: 'socket';
      readonly socket: number;
      readonly path: string;
      readonly protocols: readonly string[];
    }
  | { readonly type: 'frame'; readonly socket: number; readonly text: string }
  | { readonly type: 'closed'; readonly socket: number; readonly code: number }
  | { readonly type: 'done'; readonly id: number; readonly result?: unknown; readonly failure?: string };
