/** placeholder @module */
import { EXIT, type Exit } from '../exit.ts';
import type { Printer } from '../printer.ts';
import type { Settings } from '../settings.ts';
export async function doctor(_s: Settings, _t: string | undefined, _p: Printer, _e: object): Promise<Exit> {
  return EXIT.done;
}
