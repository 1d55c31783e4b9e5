/** What Tenants have said of keys, kept for a short while. @module */
import { waitUntil } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import { ADMISSION_KEPT_MS, type Admission, type Petition } from '../tenant/admission.ts';

/** A refusal is kept for less, in milliseconds: what was just made shall work, and a flood still be answered here. */
const REFUSAL_KEPT_MS = 5_000;

/** So many are kept in an isolate, of about a kilobyte each. */
const MOST_KEPT = 10_000;

interface Kept {
  readonly answer: Promise<Admission>;
  /** From when on it is asked for again, in Unix milliseconds. */
  until: number;
}

export class Admissions {
  /** In the order of asking, so the oldest first. */
  readonly #kept = new Map<string, Kept>();
  readonly #most: number;

  constructor(most: number = MOST_KEPT) {
    this.#most = most;
  }

  /**
   * What the tenant says, or said within the last {@link ADMISSION_KEPT_MS} as counted from when it was asked. Those
   * who want to know the same at once ask once.
   */
  async ask(tenant: string, petition: Petition, env: Pick<Env, 'TENANT'>, now: number): Promise<Admission> {
    const { key, secretHash = '', site = '' } = petition;
    // None of these holds a space.
    const name = [tenant, key, site, secretHash].join(' ');
    const known = this.#kept.get(name);
    if (known && now < known.until) return known.answer;

    const asked: Promise<Admission> = env.TENANT.get(env.TENANT.idFromName(tenant)).admit(petition);
    const kept = { answer: asked, until: now + ADMISSION_KEPT_MS };
    this.#keep(name, kept);
    // Others may wait for it, so it goes on when the client who asked first hangs up.
    waitUntil(asked.catch(() => {}));
    try {
      const admission = await asked;
      if (!admission.ok) kept.until = now + REFUSAL_KEPT_MS;
      return admission;
    } catch (error) {
      if (this.#kept.get(name) === kept) this.#kept.delete(name);
      throw error;
    }
  }

  #keep(name: string, kept: Kept): void {
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#most) return;
      this.#kept.delete(oldest);
    }
  }
}
