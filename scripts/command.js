#!/usr/bin/env node
// The first line is for `npx audit-events`: package.json names this file as its command. It is JavaScript that any Node can read, so that an older one is
// told what it lacks; of the rest of the command it would end with a stack trace.
import process from "node:process";

const [needsMajor, needsMinor] = [22, 18];
const [major, minor] = process.versions.node.split(".").map(Number);

if (major > needsMajor || (major === needsMajor && minor >= needsMinor)) {
  import("./audit.ts");
} else {
  console.error(
    `audit-events needs Node ${needsMajor}.${needsMinor} or newer, this is ${process.versions.node}: install Node 24 from https://nodejs.org, ` +
      "or by `nvm install 24`, and run the same command again",
  );
  process.exitCode = 2;
}
