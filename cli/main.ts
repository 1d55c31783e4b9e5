#!/usr/bin/env node
/** Entry point of `call-api`. @module */
import { runProcess } from './process.ts';

await runProcess(process.argv.slice(2));
