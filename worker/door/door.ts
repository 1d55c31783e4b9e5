/** The door, as the routes see it. @module */
import type { Env } from '../env.ts';
import type { Adapter, Client, Refusal, Visitor } from './visitor.ts';

/** Decides about clients and adapters. */
export interface Door {
  client(request: Request, env: Env): Promise<Visitor<Client> | Refusal>;
  adapter(request: Request, env: Env): Promise<Visitor<Adapter> | Refusal>;
}
