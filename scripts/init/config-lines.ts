/** Where the functions' sources go, below `supabase/`. */
export const vendorFolder = "audit-events";
const bucket = "audit-archive";

/** The tables of `supabase/config.toml` that Audit Events needs, by name. */
export function configTables(functionNames: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const functions = functionNames.map((name): [string, string[]] => [
    `functions.${name}`,
    [`entrypoint = "./${vendorFolder}/functions/${name}/index.ts"`, `import_map = "./${vendorFolder}/deno.json"`, "verify_jwt = false"],
  ]);
  return new Map([...functions, [`storage.buckets.${bucket}`, ["public = false", 'file_size_limit = "50MiB"']]]);
}

const comments: Readonly<Record<string, readonly string[]>> = {
  functions: [
    "# Audit Events. verify_jwt = false, because the gateway's own check takes the publishable key for a caller and refuses our API keys: each function",
    "# verifies its caller itself before it reads the body.",
  ],
  storage: ["# Archived days. Private: only the functions, by a secret key, read and write it."],
};

/**
 * The lines to append to a config.toml so that it has every table of `tables`; none when it has them all. TOML lets tables stand in any order, so what
 * is there stays as it is. Throws when a table is there with other content: a function of the project's own has that name.
 */
export function missingConfigLines(config: string, tables: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const lines: string[] = [];
  let commented = "";
  for (const [name, body] of tables) {
    const present = tableBody(config, name);
    if (present !== undefined) {
      if (name.startsWith("functions.") && !present.includes(body[0] as string)) throw notOurs(name);
      if (present.some((line) => /^public\s*=\s*true\b/.test(line))) {
        throw new Error(`add [${name}] to supabase/config.toml: the bucket is public: anybody could read the archive: make it private first`);
      }
      continue;
    }
    if (hasKeys(config, name)) throw notOurs(name);
    const kind = name.split(".")[0] as string;
    if (kind !== commented) lines.push("", ...comments[kind] as readonly string[]);
    else lines.push("");
    commented = kind;
    lines.push(`[${name}]`, ...body);
  }
  return lines;
}

function notOurs(name: string): Error {
  return new Error(`add [${name}] to supabase/config.toml: the project has a function of this name that is not ours: rename it first`);
}

/** True when a table is written otherwise than under a header of its own: as an inline table or as dotted keys. A second definition would be an error of TOML. */
function hasKeys(config: string, name: string): boolean {
  let table = "";
  return linesOf(config).some((line) => {
    table = headerOf(line) ?? table;
    const key = /^([\w."'\s-]+?)\s*=/.exec(line)?.[1]?.replaceAll(/["'\s]/g, "");
    return key !== undefined && `${[table, key].filter((part) => part !== "").join(".")}.`.startsWith(`${name}.`);
  });
}

function linesOf(config: string): readonly string[] {
  return config.split(/\r?\n/).map((line) => line.trim());
}

function headerOf(line: string): string | undefined {
  return /^\[\s*([^\]]+?)\s*\]\s*(#.*)?$/.exec(line)?.[1]?.replaceAll(/["'\s]/g, "");
}

/** The lines between a table's header and the next header; undefined when the config has no such table, in either spelling of its name. */
function tableBody(config: string, name: string): readonly string[] | undefined {
  const lines = linesOf(config);
  const start = lines.findIndex((line) => headerOf(line) === name);
  if (start === -1) return undefined;
  const length = lines.slice(start + 1).findIndex((line) => line.startsWith("["));
  return lines.slice(start + 1, length === -1 ? undefined : start + 1 + length);
}
