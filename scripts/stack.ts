import { readArguments, type StackArguments, usage } from "./stack/arguments.ts";
import { banner } from "./stack/banner.ts";
import { freePort } from "./stack/free-port.ts";
import { PortTakenError } from "./stack/gateway.ts";
import { startStack } from "./stack/run-stack.ts";
import { createShutdown } from "./stack/shutdown.ts";
import { stopRequest } from "./stack/stop-request.ts";

/** `npm start`: the whole audit log on this machine, until somebody stops it. */
async function main(): Promise<void> {
  const options = readArguments(process.argv.slice(2), process.cwd());
  if (options.help) return console.log(usage);
  const stop = stopRequest();
  void stop.then((reason) => console.error(`\nStopping (${reason}) …`));
  const shutdown = createShutdown();
  try {
    const stack = await startStack({ ...options, shell: process.env, report }, shutdown);
    process.on("SIGUSR2", () => void restart(stack.restart));
    console.log(banner({ ...stack, dataFolder: options.dataFolder, workingFolder: process.cwd(), seconds: performance.now() / 1000 }));
    await stop;
  } catch (error) {
    process.exitCode = 1;
    console.error(await explain(error, options));
  }
  for (const fault of await shutdown.run()) report(`stop: ${messageOf(fault)}`);
  if (process.exitCode === undefined) console.error("Stopped.");
}

/** `kill -USR2`: the sources as they are now, without a pause. */
async function restart(restartServices: () => Promise<void>): Promise<void> {
  report("replacing functions and API");
  await restartServices().then(() => report("replaced functions and API"), (error: unknown) => report(`replace functions and API: ${messageOf(error)}`));
}

function report(line: string): void {
  console.error(`${new Date().toTimeString().slice(0, 8)}  ${line}`);
}

async function explain(error: unknown, options: StackArguments): Promise<string> {
  // Said by Node of our own files, by initdb and PostgreSQL of theirs.
  if (/ENOSPC|No space left on device/.test(messageOf(error))) {
    return `${messageOf(error)}\nThe disk of ${options.dataFolder} is full: make room, or choose another folder with --data DIR`;
  }
  if (!(error instanceof PortTakenError)) return messageOf(error);
  const other = await freePort(options.port + 10);
  return `Port ${options.port} is taken by another program.\nStart on another:  npm start -- --port ${other}\nOr see who has it: lsof -i :${options.port}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

// A terminal or pipe that has gone away must not turn the next line into a crash.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

await main().catch((error: unknown) => {
  console.error(messageOf(error));
  process.exitCode = 1;
});
// Sockets of clients that were cut off may linger: everything that matters has stopped.
process.exit();
