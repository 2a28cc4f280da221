import { resolve } from "node:path";
import { parseArgs } from "node:util";

/** What the command line asks for. `dataFolder` is absolute. */
export type StackArguments = { readonly help: boolean; readonly port: number; readonly dataFolder: string };

/** Supabase's local port: what its documentation, tools and people's fingers know. */
const defaultPort = 54321;

export const usage = `Usage: npm start -- [--port N] [--data DIR]

Runs the audit log on this machine: PostgreSQL, the Edge Functions and the API behind one port of 127.0.0.1.

  --port N     port to listen on (default ${defaultPort})
  --data DIR   folder of the database, keys and logs (default .audit)
  --help       this text`;

/** Reads the command line; throws an Error that says what is wrong with it. Relative folders count from `workingFolder`. */
export function readArguments(argv: readonly string[], workingFolder: string): StackArguments {
  const { values } = parseArgs({
    args: [...argv],
    options: { port: { type: "string" }, data: { type: "string" }, help: { type: "boolean", short: "h" } },
    strict: true,
  });
  const port = values.port === undefined ? defaultPort : Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`read --port: it is not a number from 1 to 65535: ${values.port}`);
  if (values.data === "") throw new Error("read --data: it is empty: name a folder");
  return { help: values.help ?? false, port, dataFolder: resolve(workingFolder, values.data ?? ".audit") };
}
