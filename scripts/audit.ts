#!/usr/bin/env node
import { runProgram } from "./audit/program.ts";

process.exitCode = await runProgram(process.argv.slice(2));
