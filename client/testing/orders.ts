/** What a test and the fake server say to each other, as JSON on the control socket. @module */

export type Order =
  | { readonly do: 'send'; readonly socket: number; readonly frames: readonly string[] }
  | { readonly do: 'close'; readonly socket: number; readonly code: number }
  /** Breaks the connection without a word. */
  | { readonly do: 'cut'; readonly socket: number }
  /** Upgrades are answered with that status from now on; 0 lets in. */
  | { readonly do: 'refuse'; readonly id: number; readonly status: number }
  /** Something else that this machine can do. */
  | { readonly do: 'deed'; readonly id: number; readonly name: string };

export type Report =
  | { readonly is: 'here'; readonly url: string }
  | {
      readonly is: 'socket';
      readonly socket: number;
      readonly path: string;
      readonly protocols: readonly string[];
    }
  | { readonly is: 'frame'; readonly socket: number; readonly text: string }
  | { readonly is: 'closed'; readonly socket: number; readonly code: number }
  | { readonly is: 'done'; readonly id: number; readonly told?: unknown; readonly failure?: string };
